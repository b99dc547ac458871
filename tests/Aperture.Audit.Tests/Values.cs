using Mono.Cecil;
using Mono.Cecil.Cil;
using static Aperture.Audit.Tests.AbstractValue;

namespace Aperture.Audit.Tests;

/// <summary>What instructions that neither branch nor call do to what is known.</summary>
internal static class Values
{
    /// <summary>The state behind an instruction.</summary>
    public static PathState Step(Instruction instruction, IReadOnlyList<AbstractValue> arguments, PathState state, TestAssemblies tests)
    {
        var code = instruction.OpCode.Code;
        if (Constant(instruction) is { } number)
            return state.Push(new Int(number));
        if (Local(instruction, "Ldloc") is { } loaded)
            return state.Push(state.Locals.GetValueOrDefault(loaded, Unknown));
        if (Local(instruction, "Stloc") is { } stored)
            return state.Pop() with { Locals = state.Locals.SetItem(stored, state.Top()) };
        if (Argument(instruction) is { } argument)
            return state.Push(argument < arguments.Count ? arguments[argument] : Unknown);
        switch (code)
        {
            case Code.Ldnull:
                return state.Push(Null);
            case Code.Dup:
                return state.Push(state.Top());
            case Code.Ldloca or Code.Ldloca_S:
                // Somebody else may write the variable.
                return state.Push(Unknown) with { Locals = state.Locals.Remove(((VariableDefinition)instruction.Operand).Index) };
            case Code.Newarr:
                return state.Pop().Push(state.Top() is Int length ? new Sequence(length.Value) : Unknown);
            case Code.Ldlen:
                return state.Pop().Push(state.Top() is Sequence known ? new Int(known.Length) : Unknown);
            case Code.Conv_I4 or Code.Conv_I8 or Code.Conv_U4 or Code.Conv_U8 or Code.Conv_I or Code.Conv_U or Code.Box or Code.Castclass:
                return state;
            case Code.Add or Code.Sub or Code.Mul:
                return state.Pop(2).Push(
                    state is { Stack: [.., Int left, Int right] } ? new Int(Compute(code, left.Value, right.Value)) : Unknown);
            case Code.Clt or Code.Clt_Un or Code.Cgt or Code.Cgt_Un or Code.Ceq:
                return state.Pop(2).Push(Compare(code, state.Top(1), state.Top()) is { } result ? new Int(result ? 1 : 0) : Unknown);
            case Code.Ldftn:
                return state.Push(Delegated(instruction));
            case Code.Ldvirtftn:
                return state.Pop().Push(Delegated(instruction));
            case Code.Ldsfld:
                return state.Push(tests.Static((FieldReference)instruction.Operand));
            case Code.Ldfld:
                return state.Pop().Push(Field(instruction) is { } read ? state.Fields.GetValueOrDefault(read, Initial(read)) : Unknown);
            case Code.Stfld:
                return Field(instruction) is { } written
                    ? state.Pop(2) with { Fields = state.Fields.SetItem(written, state.Top()) } : state.Pop(2);
            case Code.Stsfld:
                return state.Pop();
        }

        return state.Pop(Pops(instruction.OpCode.StackBehaviourPop)).PushUnknown(Pushes(instruction.OpCode.StackBehaviourPush));
    }

    /// <summary>Whether a value is neither zero nor null; null if unknown.</summary>
    public static bool? IsTrue(AbstractValue value) => value switch
    {
        Int number => number.Value != 0,
        Sequence or Function => true,
        _ => null,
    };

    /// <summary>The outcome of a comparison; null if unknown.</summary>
    public static bool? Compare(Code code, AbstractValue left, AbstractValue right)
    {
        if (left is not Int { Value: var a } || right is not Int { Value: var b })
            return null;
        return code.ToString().Split('_')[0] switch
        {
            "Beq" or "Ceq" => a == b,
            "Bne" => a != b,
            "Blt" or "Clt" => a < b,
            "Ble" => a <= b,
            "Bgt" or "Cgt" => a > b,
            "Bge" => a >= b,
            _ => null,
        };
    }

    private static long Compute(Code code, long a, long b) => unchecked(code switch
    {
        Code.Add => a + b,
        Code.Sub => a - b,
        _ => a * b,
    });

    private static AbstractValue Delegated(Instruction instruction) =>
        TestAssemblies.Resolve((MethodReference)instruction.Operand) is { } method ? new Function(method) : Unknown;

    /// <summary>Fields of closures and of state machines are followed: nobody else has them.</summary>
    private static FieldDefinition? Field(Instruction instruction) =>
        ((FieldReference)instruction.Operand).Resolve() is { } field && field.DeclaringType.Name.StartsWith('<') ? field : null;

    /// <summary>A state machine begins before its first state.</summary>
    private static AbstractValue Initial(FieldDefinition field) => field.Name == "<>1__state" ? new Int(-1) : Unknown;

    private static long? Constant(Instruction instruction) => instruction.OpCode.Code switch
    {
        Code.Ldc_I4_M1 => -1,
        >= Code.Ldc_I4_0 and <= Code.Ldc_I4_8 => instruction.OpCode.Code - Code.Ldc_I4_0,
        Code.Ldc_I4 or Code.Ldc_I4_S or Code.Ldc_I8 => Convert.ToInt64(instruction.Operand, null),
        _ => null,
    };

    private static int? Local(Instruction instruction, string kind)
    {
        var name = instruction.OpCode.Code.ToString();
        if (!name.StartsWith(kind, StringComparison.Ordinal) || name.StartsWith("Ldloca", StringComparison.Ordinal))
            return null;
        return instruction.Operand is VariableDefinition variable ? variable.Index : name[^1] - '0';
    }

    /// <summary>How many values an instruction takes from the stack and puts there.</summary>
    public static (int Pops, int Pushes) Effect(Instruction instruction)
    {
        if (instruction.OpCode.FlowControl != FlowControl.Call || instruction.Operand is not MethodReference method)
            return (Pops(instruction.OpCode.StackBehaviourPop), Pushes(instruction.OpCode.StackBehaviourPush));
        var isMade = instruction.OpCode.Code == Code.Newobj;
        // An init accessor returns a modified void.
        var returned = method.ReturnType is RequiredModifierType { ElementType: var plain } ? plain : method.ReturnType;
        return (method.Parameters.Count + (method.HasThis && !isMade ? 1 : 0), isMade || returned.FullName != "System.Void" ? 1 : 0);
    }

    /// <summary>Which argument an instruction loads; null if none.</summary>
    public static int? Argument(Instruction? instruction) => instruction?.OpCode.Code switch
    {
        >= Code.Ldarg_0 and <= Code.Ldarg_3 => instruction.OpCode.Code - Code.Ldarg_0,
        Code.Ldarg or Code.Ldarg_S => ((ParameterDefinition)instruction.Operand).Sequence,
        _ => null,
    };

    private static PathState PushUnknown(this PathState state, int count)
    {
        for (; count > 0; count--)
            state = state.Push(Unknown);
        return state;
    }

    private static int Pops(StackBehaviour behaviour) => behaviour switch
    {
        StackBehaviour.Pop0 => 0,
        StackBehaviour.Pop1 or StackBehaviour.Popi or StackBehaviour.Popref => 1,
        StackBehaviour.Popi_popi_popi or StackBehaviour.Popref_popi_popi or StackBehaviour.Popref_popi_popi8
            or StackBehaviour.Popref_popi_popr4 or StackBehaviour.Popref_popi_popr8 or StackBehaviour.Popref_popi_popref => 3,
        _ => 2,
    };

    private static int Pushes(StackBehaviour behaviour) => behaviour switch
    {
        StackBehaviour.Push0 => 0,
        StackBehaviour.Push1_push1 => 2,
        _ => 1,
    };
}
