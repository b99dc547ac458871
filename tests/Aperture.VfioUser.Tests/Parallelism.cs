// Some tests count the process's open files.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
