using Aperture.Schedules.Rewriter;

// Aperture.Schedules.Rewriter DIRECTORY ASSEMBLY...: rewrites assemblies where they are
foreach (var name in args[1..])
    AssemblyRewriter.Rewrite(Path.Combine(args[0], name + ".dll"));
