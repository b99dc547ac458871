namespace Aperture.VfioUser.Protocol;

/// <summary>The numbers of a PCI function's kinds of interrupts.</summary>
internal static class InterruptIndex
{
    public const uint Line = 0;
    public const uint Msi = 1;
    public const uint Msix = 2;
    public const uint Error = 3;
    public const uint Request = 4;
    public const uint Count = 5;
}
