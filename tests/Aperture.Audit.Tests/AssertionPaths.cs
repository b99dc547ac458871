using Mono.Cecil;
using Mono.Cecil.Cil;
using static Aperture.Audit.Tests.AbstractValue;

namespace Aperture.Audit.Tests;

/// <summary>Finds paths through methods that return without having asserted anything: all paths are walked, with what is known of
/// constants, lengths and delegates; a path ends where it asserts, throws or fails.</summary>
internal sealed class AssertionPaths(TestAssemblies tests)
{
    private const int VisitsBeforeForgetting = 70; // of one instruction; a loop that asserts in none of so many turns is left
    private readonly Dictionary<string, bool> _known = [];

    /// <summary>Whether no path returns from a method without an assertion.</summary>
    /// <param name="method">A method of a test assembly.</param>
    /// <param name="arguments">What is known of its arguments, <c>this</c> first; null for nothing.</param>
    public bool Asserts(MethodDefinition method, IReadOnlyList<AbstractValue>? arguments = null)
    {
        if (!method.HasBody)
            return tests.Overrides(method) is { Count: > 0 } overrides && overrides.All(candidate => Asserts(candidate, arguments));
        var key = $"{method.FullName}({string.Join(',', arguments ?? [])})@{method.Module.Name}";
        if (_known.TryGetValue(key, out var known))
            return known;
        _known[key] = false; // whoever calls itself does not assert by that
        var result = !CanReturnSilently(method, arguments ?? []);
        if (result && method is { IsVirtual: true, IsFinal: false })
            result = tests.Overrides(method).All(candidate => Asserts(candidate, arguments));
        return _known[key] = result;
    }

    private bool CanReturnSilently(MethodDefinition method, IReadOnlyList<AbstractValue> arguments)
    {
        var body = method.Body;
        var code = body.Instructions;
        var index = code.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        var visits = new int[code.Count];
        var seen = new HashSet<string>();
        var work = new Stack<PathState>([PathState.Start]);
        while (work.TryPop(out var state))
        {
            if (visits[state.At]++ > VisitsBeforeForgetting)
                state = state.Forget();
            if (!seen.Add(state.Key()))
                continue;
            // An exception may lead into a handler before anything was asserted.
            foreach (var handler in body.ExceptionHandlers.Where(handler => index[handler.TryStart] == state.At))
            {
                if (handler.HandlerType is ExceptionHandlerType.Catch or ExceptionHandlerType.Filter)
                    work.Push(state with { At = index[handler.FilterStart ?? handler.HandlerStart], Stack = [Unknown] });
            }

            var instruction = code[state.At];
            if (instruction.OpCode.Code == Code.Ret)
                return true;
            try
            {
                foreach (var next in Step(body, index, arguments, instruction, state))
                    work.Push(next);
            }
            catch (ArgumentOutOfRangeException e)
            {
                throw new InvalidOperationException($"{method.FullName} at {instruction}: the stack is not followed", e);
            }
        }

        return false;
    }

    /// <summary>Where a path may go on; nowhere when it asserted or threw.</summary>
    private IEnumerable<PathState> Step(
        MethodBody body,
        Dictionary<Instruction, int> index,
        IReadOnlyList<AbstractValue> arguments,
        Instruction instruction,
        PathState state)
    {
        var next = state with { At = state.At + 1 };
        switch (instruction.OpCode.FlowControl)
        {
            case FlowControl.Throw:
                return [];
            case FlowControl.Call:
                return Calls.Step(tests, this, instruction, next) is { } after ? [after] : [];
            case FlowControl.Cond_Branch when instruction.Operand is Instruction[] targets:
                var chosen = state.Top() as Int;
                next = next.Pop();
                if (chosen is null)
                    return [next, .. targets.Select(target => next with { At = index[target] })];
                return [chosen.Value >= 0 && chosen.Value < targets.Length ? next with { At = index[targets[chosen.Value]] } : next];
            case FlowControl.Cond_Branch:
                return Branch(instruction, index[(Instruction)instruction.Operand], next);
            case FlowControl.Branch when instruction.OpCode.Code is Code.Leave or Code.Leave_S:
                return [Leave(body, index, state, (Instruction)instruction.Operand)];
            case FlowControl.Branch:
                return [next with { At = index[(Instruction)instruction.Operand] }];
            case FlowControl.Return when instruction.OpCode.Code == Code.Endfinally:
                var (leaving, last) = (state.Leaving, state.Leaving.Count - 1);
                return last < 0 ? [] : [next with { At = leaving[last], Leaving = leaving.RemoveAt(last) }];
            case FlowControl.Return when instruction.OpCode.Code == Code.Endfilter:
                return [next.Pop().Push(Unknown)];
            default:
                return [Values.Step(instruction, arguments, next, tests)];
        }
    }

    private static IEnumerable<PathState> Branch(Instruction instruction, int target, PathState next)
    {
        var isPair = instruction.OpCode.StackBehaviourPop is StackBehaviour.Pop1_pop1;
        var decided = isPair
            ? Values.Compare(instruction.OpCode.Code, next.Top(1), next.Top())
            : Values.IsTrue(next.Top()) is { } isTrue ? isTrue == instruction.OpCode.Code is Code.Brtrue or Code.Brtrue_S : null;
        next = next.Pop(isPair ? 2 : 1);
        var jump = next with { At = target };
        if (decided is { } known)
            return [known ? jump : next];
        // A condition of which one outcome is a failure is an assertion.
        return IsFailure(instruction.Next) || IsFailure((Instruction)instruction.Operand) ? [] : [jump, next];
    }

    /// <summary>Whether straight code leads to a throw of an exception that says that a test failed.</summary>
    private static bool IsFailure(Instruction? at)
    {
        TypeReference? made = null;
        for (var steps = 0; at is not null && steps < 60; steps++, at = at.Next)
        {
            switch (at.OpCode.FlowControl)
            {
                case FlowControl.Throw:
                    return made is not null && TestAssemblies.IsFailure(made);
                case FlowControl.Call when at.OpCode.Code == Code.Newobj:
                    made = ((MethodReference)at.Operand).DeclaringType;
                    break;
                case FlowControl.Call when at.Operand is MethodReference { Name: "Fail", DeclaringType.FullName: "Xunit.Assert" }:
                    return true;
                case FlowControl.Branch or FlowControl.Cond_Branch or FlowControl.Return:
                    return false;
            }
        }

        return false;
    }

    /// <summary>Out of a try block: through its finally blocks, from the innermost on.</summary>
    private static PathState Leave(MethodBody body, Dictionary<Instruction, int> index, PathState state, Instruction target)
    {
        var to = index[target];
        var through = body.ExceptionHandlers
            .Where(handler => handler.HandlerType == ExceptionHandlerType.Finally
                && index[handler.TryStart] <= state.At && state.At < index[handler.TryEnd]
                && (to < index[handler.TryStart] || to >= index[handler.TryEnd]))
            .OrderBy(handler => index[handler.TryEnd] - index[handler.TryStart])
            .Select(handler => index[handler.HandlerStart])
            .ToList();
        if (through.Count == 0)
            return state with { At = to, Stack = [] };
        through.Add(to);
        return state with { At = through[0], Stack = [], Leaving = [.. state.Leaving, .. through.Skip(1).Reverse()] };
    }
}
