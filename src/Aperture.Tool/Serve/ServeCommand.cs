using System.CommandLine;
using Aperture.Core;
using Status = Aperture.Core.Status;

namespace Aperture.Tool.Serve;

/// <summary>The command <c>aperture serve</c>.</summary>
internal static class ServeCommand
{
    private const int MostMiB = 1024;

    /// <summary>The command. Exit code 0: ended by the user; 2: bad input.</summary>
    public static Command Create()
    {
        var tree = new Argument<string>("TREE.dtb")
        {
            Description = "The device tree that the guest boots with, for a machine 'virt' of QEMU: its IOMMUs are served, and a disk " +
                "for each 'virtio,mmio' node that has 'iommus'.",
        };
        var socket = new Option<string>("--socket") { Description = "The folder of the sockets.", Required = true };
        var diskSize = new Option<int>("--disk-size") { Description = "MiB of each disk.", DefaultValueFactory = _ => 16 };
        var memory = new Option<int>("--memory") { Description = "MiB of the guest's memory.", DefaultValueFactory = _ => 512 };
        var trace = new Option<string?>("--trace") { Description = "Write every register access, map and interrupt to this file." };
        var sanitize = new Option<bool>("--sanitize")
        {
            Description = "Tell of each access of a device that a unit did not let through what was there before.",
        };
        var command = new Command(
            "serve",
            "Serve a guest's IOMMUs and disks to QEMU, by vfio-user, and show what the guest's own drivers do with them.\n\n" +
            "Examples:\n  aperture serve guest.dtb --socket /tmp/board\n  aperture serve guest.dtb --socket /tmp/board --trace trace.txt")
        {
            tree, socket, diskSize, memory, trace, sanitize,
        };
        command.SetAction(result =>
        {
            using var ended = new CancellationTokenSource();
            Console.CancelKeyPress += (_, pressed) =>
            {
                pressed.Cancel = true;
                ended.Cancel();
            };
            return Run(
                new ServeOptions(result.GetRequiredValue(tree), result.GetRequiredValue(socket))
                {
                    DiskMiB = result.GetValue(diskSize),
                    MemoryMiB = result.GetValue(memory),
                    Trace = result.GetValue(trace),
                    Sanitizes = result.GetValue(sanitize),
                },
                Console.Out,
                ended.Token);
        });
        return command;
    }

    /// <summary>Runs the command until it is ended.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="ApertureException">The input is bad.</exception>
    public static int Run(ServeOptions options, TextWriter output, CancellationToken ended)
    {
        if (options.DiskMiB is < 1 or > MostMiB || options.MemoryMiB < 64)
        {
            throw new ApertureException(Status.InvalidArgument,
                $"a disk has 1 to {MostMiB} MiB and a guest 64 MiB or more, not {options.DiskMiB} and {options.MemoryMiB}");
        }

        Directory.CreateDirectory(options.Folder);
        using var trace = options.Trace is { } path ? new StreamWriter(new OutputFile(path)) { AutoFlush = true } : null;
        var events = new ServeEvents(trace, options.Sanitizes);
        using var board = new ServedBoard(options, events);
        foreach (var line in ServeRecipe.Lines(board, options))
            output.WriteLine(line);
        var view = new ServeView(board, events, output);
        var starting = Start(board, events, ended);
        view.Run(ended);
        starting.GetAwaiter().GetResult();
        return 0;
    }

    /// <summary>Puts the blocks of one guest after the other where its tree has them.</summary>
    private static async Task Start(ServedBoard board, ServeEvents events, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            try
            {
                await board.StartGuestAsync(ended).ConfigureAwait(false);
                await board.GuestEnded(ended).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (ApertureException error)
            {
                events.Say(error.Message); // the next may do better
            }
        }
    }
}
