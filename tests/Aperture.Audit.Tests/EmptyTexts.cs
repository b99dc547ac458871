using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Aperture.Audit.Tests;

/// <summary>Finds tests that look for a text that may be empty, which everything contains.</summary>
internal sealed class EmptyTexts(TestAssemblies tests)
{
    private static readonly string[] s_searches = ["Contains", "StartsWith", "EndsWith"];

    public IEnumerable<string> Matched()
    {
        foreach (var test in tests.Tests.Where(test => test.HasBody))
        {
            var empty = EmptyParameters(test).ToHashSet();
            foreach (var instruction in test.Body.Instructions)
            {
                if (instruction.Operand is not MethodReference { DeclaringType.FullName: "Xunit.Assert" } search
                    || !s_searches.Contains(search.Name) || search.Parameters[0].ParameterType.FullName != "System.String")
                    continue;
                var first = FirstArgument(instruction, search.Parameters.Count);
                if (first?.Operand as string == "" || empty.Contains(Values.Argument(first)))
                    yield return $"{test.DeclaringType.FullName}.{test.Name}";
            }
        }
    }

    /// <summary>Which arguments of a theory are empty texts in one of its cases.</summary>
    private static IEnumerable<int?> EmptyParameters(MethodDefinition test) => test.CustomAttributes
        .Where(attribute => attribute.AttributeType.FullName == "Xunit.InlineDataAttribute")
        .SelectMany(attribute => (attribute.ConstructorArguments[0].Value as CustomAttributeArgument[] ?? []).Index())
        .Where(argument => argument.Item.Value is CustomAttributeArgument { Value: "" })
        .Select(argument => (int?)argument.Index + 1); // this is 0

    /// <summary>What pushed the first of a call's arguments, if straight code did.</summary>
    private static Instruction? FirstArgument(Instruction call, int count)
    {
        var needed = count;
        for (var at = call.Previous; at is not null; at = at.Previous)
        {
            var (pops, pushes) = Values.Effect(at);
            needed -= pushes;
            if (needed <= 0)
                return at;
            needed += pops;
        }

        return null;
    }
}
