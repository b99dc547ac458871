using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Aperture.Audit.Tests;

/// <summary>Finds assertions in hooks that may never be called: a delegate that is handed to what is under test asserts nothing unless the
/// test finds out that it ran.</summary>
internal sealed class Hooks(TestAssemblies tests)
{
    /// <summary>Hooks that assert, and leave no trace that anybody looks at.</summary>
    public IEnumerable<string> Uncounted()
    {
        foreach (var method in tests.Modules.SelectMany(module => module.GetTypes()).SelectMany(type => type.Methods))
        {
            if (!method.HasBody)
                continue;
            foreach (var instruction in method.Body.Instructions.Where(instruction => instruction.OpCode.Code == Code.Ldftn))
            {
                if (((MethodReference)instruction.Operand).Resolve() is { HasBody: true } hook
                    && hook.Name.Contains(">b__", StringComparison.Ordinal) && Asserts(hook)
                    && IsGivenAway(instruction) && !LeavesATrace(hook))
                    yield return $"{method.DeclaringType.FullName}.{method.Name}";
            }
        }
    }

    private static bool Asserts(MethodDefinition method) => method.Body.Instructions.Any(instruction =>
        instruction.Operand is MethodReference { DeclaringType.FullName: "Xunit.Assert" });

    /// <summary>Whether the delegate that is made here goes to a property or an event of what is under test.</summary>
    private static bool IsGivenAway(Instruction made)
    {
        var call = made.Next;
        do
            call = call.Next;
        while (call is not null && call.OpCode.Code is not (Code.Call or Code.Callvirt or Code.Stfld));
        return call?.Operand is MethodReference { Name: var name } taker
            && (name.StartsWith("set_", StringComparison.Ordinal) || name.StartsWith("add_", StringComparison.Ordinal))
            && taker.DeclaringType.FullName.StartsWith("Aperture.", StringComparison.Ordinal);
    }

    /// <summary>Whether the hook writes, or adds to, something of the test's that code outside of it reads.</summary>
    private static bool LeavesATrace(MethodDefinition hook)
    {
        var touched = hook.Body.Instructions
            .Where(instruction => instruction.OpCode.Code is Code.Stfld or Code.Ldflda
                || (instruction.OpCode.Code == Code.Ldfld && Following(instruction, 12).Any(IsRecorded)))
            .Select(instruction => ((FieldReference)instruction.Operand).FullName).ToHashSet();
        var owner = hook.DeclaringType.DeclaringType ?? hook.DeclaringType;
        return owner.Methods.Concat(owner.NestedTypes.SelectMany(type => type.Methods)).Where(method => method != hook && method.HasBody)
            .SelectMany(method => method.Body.Instructions)
            .Any(instruction => instruction.OpCode.Code is Code.Ldfld or Code.Ldflda
                && touched.Contains(((FieldReference)instruction.Operand).FullName));
    }

    private static bool IsRecorded(Instruction instruction) => instruction.Operand is MethodReference
    {
        Name: "Add" or "Pop" or "Enqueue" or "SetResult" or "TrySetResult" or "Release" or "Set",
    };

    private static IEnumerable<Instruction> Following(Instruction instruction, int count)
    {
        for (var next = instruction.Next; next is not null && count > 0; next = next.Next, count--)
            yield return next;
    }
}
