using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace Aperture.Schedules.Rewriter;

/// <summary>Puts a step of a schedule before everything in an assembly that threads can meet at.</summary>
internal static class AssemblyRewriter
{
    // Calls that wait, by type and name, and what stands for them.
    private static readonly Dictionary<string, string> s_waits = new()
    {
        ["System.Threading.Lock::EnterScope"] = nameof(Yields.EnterScope),
        ["System.Threading.Lock::Enter"] = nameof(Yields.Enter),
        ["System.Threading.Monitor::Enter"] = nameof(Yields.EnterMonitor),
        ["System.Threading.SpinWait::SpinOnce"] = nameof(Yields.SpinOnce),
        ["System.Threading.Thread::Yield"] = nameof(Yields.Yield),
        ["System.Threading.Thread::SpinWait"] = nameof(Yields.Spin),
        ["System.Threading.Thread::Sleep"] = nameof(Yields.Sleep),
        ["System.Threading.Interlocked::MemoryBarrierProcessWide"] = nameof(Yields.Barrier),
    };

    public static void Rewrite(string path)
    {
        using var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(Path.GetDirectoryName(path));
        resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(object).Assembly.Location));
        using var module = ModuleDefinition.ReadModule(
            path, new ReaderParameters { AssemblyResolver = resolver, InMemory = true });
        if (module.AssemblyReferences.Any(reference => reference.Name == typeof(Yields).Assembly.GetName().Name))
            return; // done before
        foreach (var method in module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody && !method.IsConstructor))
            Rewrite(module, method.Body);
        module.Write(path);
    }

    private static void Rewrite(ModuleDefinition module, MethodBody body)
    {
        var step = module.ImportReference(typeof(Yields).GetMethod(nameof(Yields.Step)));
        body.SimplifyMacros();
        var processor = body.GetILProcessor();
        foreach (var instruction in body.Instructions.ToArray())
        {
            if (Wait(instruction) is { } name)
            {
                var called = (MethodReference)instruction.Operand;
                instruction.OpCode = OpCodes.Call;
                instruction.Operand = module.ImportReference(Replacement(name, called));
            }
            else if (IsMeeting(instruction))
            {
                InsertBefore(processor, instruction, step);
            }
        }

        body.OptimizeMacros();
    }

    private static string? Wait(Instruction instruction) =>
        instruction.Operand is MethodReference method && instruction.OpCode.FlowControl == FlowControl.Call
            ? s_waits.GetValueOrDefault($"{method.DeclaringType.FullName}::{method.Name}") : null;

    private static System.Reflection.MethodInfo Replacement(string name, MethodReference called) =>
        typeof(Yields).GetMethods().SingleOrDefault(method => method.Name == name && method.GetParameters()
            .Select(parameter => parameter.ParameterType.Name.TrimEnd('&'))
            .SequenceEqual((called.HasThis ? [called.DeclaringType.Name] : Array.Empty<string>())
                .Concat(called.Parameters.Select(parameter => parameter.ParameterType.Name.TrimEnd('&')))))
            ?? throw new NotSupportedException($"nothing stands for {called.FullName}");

    /// <summary>Whether an instruction reads or writes what other threads may see.</summary>
    private static bool IsMeeting(Instruction instruction)
    {
        switch (instruction.OpCode.Code)
        {
            case Code.Call or Code.Callvirt:
                return instruction.Operand is MethodReference
                {
                    DeclaringType.FullName: "System.Threading.Interlocked" or "System.Threading.Volatile" or "System.Threading.Lock",
                };
            case Code.Ldfld or Code.Stfld:
                // Fields of structs on the own stack are nobody else's.
                return (!((FieldReference)instruction.Operand).DeclaringType.IsValueType || IsElsewhere(instruction))
                    && Before(instruction) is not (Code.Volatile or Code.Readonly or Code.Tail or Code.Constrained or Code.Unaligned);
            case Code.Ldsfld or Code.Stsfld:
                return !((FieldReference)instruction.Operand).Name.StartsWith('<');
            case >= Code.Ldind_I1 and <= Code.Ldind_Ref or >= Code.Stind_Ref and <= Code.Stind_R8:
            case >= Code.Ldelem_I1 and <= Code.Ldelem_Ref or >= Code.Stelem_I and <= Code.Stelem_Ref or Code.Ldelem_Any or Code.Stelem_Any:
                return Before(instruction) is not (Code.Volatile or Code.Unaligned);
            default:
                return false;
        }
    }

    /// <summary>Whether a struct of which a field is read is reached by a reference.</summary>
    private static bool IsElsewhere(Instruction instruction) => Before(instruction) is Code.Ldflda or Code.Ldelema
        || instruction.Previous?.Operand is VariableDefinition { VariableType: ByReferenceType } && Before(instruction) == Code.Ldloc;

    private static Code Before(Instruction instruction) => instruction.Previous?.OpCode.Code ?? Code.Nop;

    /// <summary>Jumps to the instruction then come to what is inserted.</summary>
    private static void InsertBefore(ILProcessor processor, Instruction instruction, MethodReference call)
    {
        // The instruction itself becomes the call, and a copy of it follows: whatever points here still does.
        var copy = Instruction.Create(OpCodes.Nop);
        (copy.OpCode, copy.Operand) = (instruction.OpCode, instruction.Operand);
        (instruction.OpCode, instruction.Operand) = (OpCodes.Call, call);
        processor.InsertAfter(instruction, copy);
    }
}
