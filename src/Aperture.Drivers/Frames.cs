using System.Runtime.CompilerServices;

// Frames are not cleared: what a method does not write it does not read, and what is short is not worth clearing for. A stackalloc here
// holds anything until it is written.
[module: SkipLocalsInit]
