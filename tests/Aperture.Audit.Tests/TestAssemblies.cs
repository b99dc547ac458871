using Mono.Cecil;
using Mono.Cecil.Cil;
using static Aperture.Audit.Tests.AbstractValue;

namespace Aperture.Audit.Tests;

/// <summary>The built test assemblies, as files.</summary>
internal sealed class TestAssemblies
{
    private readonly HashSet<string> _names;
    private readonly Dictionary<MethodDefinition, List<MethodDefinition>> _overrides = [];
    private readonly Dictionary<FieldDefinition, AbstractValue> _statics = [];

    /// <param name="paths">The assemblies; each resolves what it refers to from its own directory.</param>
    public TestAssemblies(IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            var resolver = new DefaultAssemblyResolver();
            resolver.AddSearchDirectory(Path.GetDirectoryName(path));
            resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(object).Assembly.Location));
            Modules.Add(ModuleDefinition.ReadModule(path, new ReaderParameters { AssemblyResolver = resolver, ReadSymbols = true }));
        }

        _names = [.. Modules.Select(module => module.Assembly.Name.Name), "Aperture.Contract"];
        foreach (var type in Modules.SelectMany(module => module.GetTypes()))
        {
            foreach (var method in type.Methods.Where(method => method.IsVirtual))
            {
                foreach (var overridden in Overridden(method))
                {
                    if (!_overrides.TryGetValue(overridden, out var list))
                        _overrides[overridden] = list = [];
                    list.Add(method);
                }
            }

            if (type.Methods.FirstOrDefault(method => method is { Name: ".cctor", HasBody: true }) is { } initializer)
                ReadStatics(initializer);
        }
    }

    /// <summary>The assemblies of the solution's tests, built as this one is.</summary>
    public static IReadOnlyList<string> Built()
    {
        // .../tests/<this>/bin/<configuration>/<framework>/
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var own = here.Parent!.Parent!.Parent!;
        return [.. own.Parent!.GetDirectories("*.Tests")
            .Where(project => File.Exists(Path.Combine(project.FullName, project.Name + ".csproj")))
            .Select(project => Path.Combine(project.FullName, "bin", here.Parent.Name, here.Name, project.Name + ".dll"))];
    }

    public List<ModuleDefinition> Modules { get; } = [];

    /// <summary>Each method that is a test.</summary>
    public IEnumerable<MethodDefinition> Tests =>
        Modules.SelectMany(module => module.GetTypes()).SelectMany(type => type.Methods).Where(IsTest);

    /// <summary>Each reason for which a test may be skipped: those of the tests, and those that attributes of ours give.</summary>
    public IEnumerable<(string Where, string Reason)> SkipReasons =>
        Tests.SelectMany(test => test.CustomAttributes, (test, attribute) => (test, attribute))
            .SelectMany(pair => pair.attribute.Properties.Where(property => property.Name == "Skip"),
                (pair, property) => ($"{pair.test.DeclaringType.FullName}.{pair.test.Name}", property.Argument.Value as string ?? ""))
            .Concat(Modules.SelectMany(module => module.GetTypes()).SelectMany(type => type.Methods).Where(method => method.HasBody
                && method.Body.Instructions.Any(instruction => instruction.Operand is MethodReference { Name: "set_Skip" }))
                .Select(method => (method.DeclaringType.FullName, method.Body.Instructions
                    .Select(instruction => instruction.Operand as string ?? "").MaxBy(text => text.Length) ?? "")));

    /// <summary>Whether a method's source is among the tests.</summary>
    public bool Owns(MethodDefinition method) => _names.Contains(method.Module.Assembly.Name.Name);

    /// <summary>The methods that stand in for an abstract, virtual or interface method.</summary>
    public IReadOnlyList<MethodDefinition> Overrides(MethodDefinition method) => _overrides.GetValueOrDefault(method) ?? [];

    /// <summary>What is known of a static field that is written once.</summary>
    public AbstractValue Static(FieldReference reference)
    {
        // Where the compiler keeps delegates that it made before: as good as none made yet.
        if (reference.Name.StartsWith("<>9__", StringComparison.Ordinal)
            || reference.DeclaringType.Name.StartsWith("<>O", StringComparison.Ordinal))
            return Null;
        return reference.Resolve() is { } field ? _statics.GetValueOrDefault(field, Unknown) : Unknown;
    }

    /// <summary>The method behind a reference; null if it is in no assembly that is there.</summary>
    public static MethodDefinition? Resolve(MethodReference reference)
    {
        try
        {
            return reference.Resolve();
        }
        catch (AssemblyResolutionException)
        {
            return null;
        }
    }

    /// <summary>Whether throwing an exception of a type is what a failed test does.</summary>
    public static bool IsFailure(TypeReference type) =>
        type.Namespace.StartsWith("Xunit", StringComparison.Ordinal) || type.Name is "ContractException" or "CheckException";

    private static bool IsTest(MethodDefinition method) => method.CustomAttributes.Any(attribute =>
    {
        for (var type = attribute.AttributeType.Resolve(); type is not null; type = type.BaseType?.Resolve())
        {
            if (type.FullName == "Xunit.FactAttribute")
                return true;
        }

        return false;
    });

    private static IEnumerable<MethodDefinition> Overridden(MethodDefinition method)
    {
        for (var type = method.DeclaringType.BaseType?.Resolve(); type is not null && !method.IsNewSlot; type = type.BaseType?.Resolve())
        {
            foreach (var candidate in type.Methods.Where(candidate => candidate.IsVirtual && IsSame(candidate, method)))
                yield return candidate;
        }

        foreach (var candidate in method.DeclaringType.Interfaces
            .Select(implementation => implementation.InterfaceType.Resolve()).OfType<TypeDefinition>()
            .SelectMany(type => type.Methods).Where(candidate => IsSame(candidate, method)))
            yield return candidate;
    }

    private static bool IsSame(MethodDefinition a, MethodDefinition b) => a.Name == b.Name && a.Parameters.Count == b.Parameters.Count;

    /// <summary>What a type's straight-line initialization stores.</summary>
    private void ReadStatics(MethodDefinition initializer)
    {
        var state = PathState.Start;
        foreach (var instruction in initializer.Body.Instructions)
        {
            if (instruction.OpCode.FlowControl is FlowControl.Cond_Branch or FlowControl.Branch or FlowControl.Return or FlowControl.Throw)
                return;
            if (instruction.OpCode.Code == Code.Stsfld && ((FieldReference)instruction.Operand).Resolve() is { IsInitOnly: true } field)
                _statics[field] = state.Top();
            state = instruction.OpCode.FlowControl == FlowControl.Call
                ? Calls.Skip(instruction, state) : Values.Step(instruction, [], state, this);
        }
    }
}
