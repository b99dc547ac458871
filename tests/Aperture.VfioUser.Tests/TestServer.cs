using Aperture.Hardware.Pci;
using Aperture.Hardware.Translation;

namespace Aperture.VfioUser.Tests;

/// <summary>A server with one function.</summary>
internal sealed class TestServer : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vfio-user-").FullName;

    public TestServer(VfioUserOptions? options = null, GuestMemory? memory = null, PciIdentity? identity = null)
    {
        Memory = memory ?? new GuestMemory();
        Block = new TestBlock(new DmaPort(Memory.Bus));
        Function = new PciFunction("test", Memory, identity ?? new PciIdentity(0x1234, 0x5678) { Vectors = 4, ClassCode = 0x080600 },
            new PciBar(Block), new PciBar(0x4000, is64Bit: true, (0x1000u, new TestBlock(new DmaPort(Memory.Bus)))));
        Function.Connect(Block.Interrupt);
        Server = new VfioUserServer(options);
        Server.Serve(Path, Function);
    }

    public string Path => System.IO.Path.Combine(_folder, "test.sock");

    public VfioUserServer Server { get; }

    public GuestMemory Memory { get; }

    public TestBlock Block { get; }

    public PciFunction Function { get; }

    public TestClient Connect() => new(Path);

    public void Dispose()
    {
        Server.Dispose();
        Memory.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
