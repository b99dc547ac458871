using System.Collections.Immutable;
using Mono.Cecil;
using Mono.Cecil.Cil;
using static Aperture.Audit.Tests.AbstractValue;

namespace Aperture.Audit.Tests;

/// <summary>What calls do to a path: assertions end it.</summary>
internal static class Calls
{
    /// <summary>Library calls that run the delegate that they get, and pass on what it throws or end the run by it.</summary>
    private static readonly string[] s_runners =
    [
        "System.Threading.Thread::.ctor", "System.Threading.Tasks.Task::Run", "System.Threading.Tasks.TaskFactory::StartNew",
    ];

    /// <summary>The state behind a call; null if the path asserts there, or fails.</summary>
    public static PathState? Step(TestAssemblies tests, AssertionPaths paths, Instruction instruction, PathState state)
    {
        if (instruction.Operand is not MethodReference method)
            return state; // calli: tests have none
        var isMade = instruction.OpCode.Code == Code.Newobj;
        var count = method.Parameters.Count + (method.HasThis && !isMade ? 1 : 0);
        var arguments = state.Stack.GetRange(state.Stack.Count - count, count);
        return EndsPath(tests, paths, method, arguments, isMade) ? null : Skip(instruction, state);
    }

    /// <summary>The state behind a call that does not assert.</summary>
    public static PathState Skip(Instruction instruction, PathState state)
    {
        if (instruction.Operand is not MethodReference method)
            return state;
        var isMade = instruction.OpCode.Code == Code.Newobj;
        var count = method.Parameters.Count + (method.HasThis && !isMade ? 1 : 0);
        var arguments = state.Stack.GetRange(state.Stack.Count - count, count);
        state = state.Pop(count);
        if (isMade)
            return state.Push(arguments is [_, Function function] ? function : Unknown); // a delegate is what it calls
        return Values.Effect(instruction).Pushes == 0 ? state : state.Push(Result(method, arguments));
    }

    private static bool EndsPath(
        TestAssemblies tests,
        AssertionPaths paths,
        MethodReference method,
        ImmutableList<AbstractValue> arguments,
        bool isMade)
    {
        var type = method.DeclaringType.FullName;
        if (type == "Xunit.Assert")
            return method.Name != "All" || arguments[0] is Sequence { Length: > 0 }; // all of none proves nothing
        if (method.Name is "AwaitUnsafeOnCompleted" or "AwaitOnCompleted" or "SetException")
            return true; // goes on later, by the path that did not wait; or failed
        if (method.Name == "Start" && type.StartsWith("System.Runtime.CompilerServices.Async", StringComparison.Ordinal))
            return ((GenericInstanceMethod)method).GenericArguments[0].Resolve() is { } machine
                && paths.Asserts(machine.Methods.Single(candidate => candidate.Name == "MoveNext"));
        if (method.Name == "Invoke" && arguments is [Function called, ..])
            return paths.Asserts(called.Method, [Unknown, .. arguments.Skip(1)]);
        if (type == "System.Threading.Tasks.Parallel" && arguments is [Int from, Int to, .., Function work])
            return from.Value < to.Value && paths.Asserts(work.Method);
        if (method is { Name: "AssertClean", DeclaringType.Name: "DmaSanitizer" })
            return true; // throws what it found
        if (s_runners.Any(runner => $"{type}::{method.Name}".StartsWith(runner, StringComparison.Ordinal)))
            return arguments.OfType<Function>().Any(run => paths.Asserts(run.Method));
        if (TestAssemblies.Resolve(method) is not { } callee || !tests.Owns(callee))
            return false;
        return paths.Asserts(callee, isMade ? [Unknown, .. arguments] : arguments);
    }

    private static AbstractValue Result(MethodReference method, ImmutableList<AbstractValue> arguments) => method.Name switch
    {
        "Empty" when method.DeclaringType.FullName == "System.Array" => new Sequence(0),
        "ToArray" or "ToList" or "AsSpan" or "Select" or "Index" when arguments is [Sequence same, ..] => same,
        "Range" when arguments is [_, Int count] && method.DeclaringType.FullName == "System.Linq.Enumerable" => new Sequence(count.Value),
        "get_Length" or "get_Count" when arguments is [Sequence sized] => new Int(sized.Length),
        _ => Unknown,
    };
}
