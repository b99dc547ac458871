using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Exynos;
using Aperture.Datasheets.Msm;
using Aperture.Datasheets.Omap;
using Aperture.Datasheets.Rockchip;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Threads;

/// <summary>Every kind of unit, set up so that faults end the access where the unit can do that.</summary>
public static class ThreadedUnits
{
    public static string[] Kinds { get; } = ["omap", "exynos", "exynos-v1", "msm", "tegra", "rockchip"];

    public static ThreadedUnit New(string kind) => kind switch
    {
        "omap" => new Omap(),
        "exynos" => new Exynos(SysMmuOptions.V5),
        "exynos-v1" => new Exynos(SysMmuOptions.V1),
        "msm" => new Msm(),
        "tegra" => new Tegra(),
        _ => new Rockchip(),
    };

    private sealed class Omap : ThreadedUnit<OmapFormat>
    {
        private readonly OmapMmu _unit;

        public Omap()
            : base(default)
        {
            _unit = new OmapMmu(Bus, OmapMmuOptions.Omap4Ipu);
            Write(_unit, OmapRegisters.TableBase, Root);
            Write(_unit, OmapRegisters.GpReg, 1); // faults answer with bus errors
            Write(_unit, OmapRegisters.Control, OmapControl.MmuEnable | OmapControl.TwlEnable);
        }

        public override TranslationUnit Unit => _unit;

        protected override void Invalidate(Iova iova)
        {
            Write(_unit, OmapRegisters.Cam, new OmapCam((uint)iova.Value, OmapPageSize.SmallPage).Bits);
            Write(_unit, OmapRegisters.FlushEntry, 1);
        }
    }

    private sealed class Exynos : ThreadedUnit<ExynosFormat>
    {
        private readonly ExynosSysMmu _unit;
        private readonly uint _flushEntry;

        public Exynos(SysMmuOptions options)
            : base(new ExynosFormat(isWide: options.Layout != SysMmuLayout.V1))
        {
            _unit = new ExynosSysMmu(Bus, options with { Stall = SysMmuStall.Never });
            var isOld = options.Layout == SysMmuLayout.V1;
            _flushEntry = isOld ? SysMmuV1Register.FlushEntry : SysMmuV5Register.FlushEntry;
            Write(_unit, isOld ? SysMmuV1Register.TableBase : SysMmuV5Register.TableBase, isOld ? Root : Root >> 12);
            Write(_unit, SysMmuRegister.Control, 5);
        }

        public override TranslationUnit Unit => _unit;

        protected override void Invalidate(Iova iova)
        {
            // As drivers do: the unit is blocked while it is told.
            Write(_unit, SysMmuRegister.Control, 7);
            Write(_unit, _flushEntry, (uint)iova.Value | 1);
            Write(_unit, SysMmuRegister.Control, 5);
        }
    }

    private sealed class Msm : ThreadedUnit<ArmShortFormat>
    {
        private readonly MsmIommu _unit;

        public Msm()
            : base(new ArmShortFormat(new ArmShortOptions()))
        {
            _unit = new MsmIommu(Bus, new MsmIommuOptions());
            var root = new ArmShortFormat(new ArmShortOptions()).TableBase(new PhysicalAddress(Root));
            Write(_unit, MsmContextRegisters.Of(0, MsmContextRegisters.TableBase0), root);
            Write(_unit, MsmContextRegisters.Of(0, MsmContextRegisters.AuxiliaryControl), MsmAuxiliaryControl.MissWalks);
            Write(_unit, MsmContextRegisters.Of(0, MsmContextRegisters.SystemControl), MsmSystemControl.Running);
            for (var machine = 0u; machine < 4; machine++)
                Write(_unit, MsmGlobalRegisters.MachineMapOf(machine), MsmMachineMap.To(0).Bits);
        }

        public override TranslationUnit Unit => _unit;

        protected override StreamId StreamOf(int master) => new((uint)master);

        protected override void Invalidate(Iova iova) =>
            Write(_unit, MsmContextRegisters.Of(0, MsmContextRegisters.InvalidateAddress), (uint)iova.Value);
    }

    private sealed class Tegra : ThreadedUnit<TegraFormat>
    {
        private const int Asid = 3;

        private static readonly uint[] s_swgroups = [.. TegraSoc.Tegra124.Swgroups.Take(4).Select(swgroup => swgroup.Id)];

        private readonly TegraSmmu _unit;

        public Tegra()
            : base(new TegraFormat(TegraSoc.Tegra124.AddressBits))
        {
            _unit = new TegraSmmu(Bus, TegraSmmuOptions.Tegra124);
            Write(_unit, TegraMcRegister.PtcConfig, TegraPtcConfig.For(TegraSoc.Tegra124).Value);
            Write(_unit, TegraMcRegister.TlbConfig, TegraTlbConfig.For(TegraSoc.Tegra124).Value);
            Write(_unit, TegraMcRegister.TableAsid, Asid);
            Write(_unit, TegraMcRegister.TableData, TegraTableData.For(Root));
            foreach (var swgroup in s_swgroups)
                Write(_unit, TegraSoc.Tegra124.FindSwgroup(swgroup)!.Value.AsidRegister, TegraSwgroupAsid.For(Asid).Value);
            for (var i = 0; i < TegraMcRegister.TranslationEnables; i++)
                Write(_unit, TegraMcRegister.TranslationEnable(i), uint.MaxValue);
            Write(_unit, TegraMcRegister.Config, TegraMcRegister.ConfigEnable);
        }

        public override TranslationUnit Unit => _unit;

        protected override StreamId StreamOf(int master) => new(s_swgroups[master]);

        protected override void Invalidate(Iova iova)
        {
            Write(_unit, TegraMcRegister.PtcFlush, 0);
            Write(_unit, TegraMcRegister.TlbFlush, TegraTlbFlush.Group(TegraSoc.Tegra124, Asid, (uint)iova.Value).Value);
        }
    }

    private sealed class Rockchip : ThreadedUnit<RockchipFormat>
    {
        private readonly RockchipIommu _unit;

        public Rockchip()
            : base(new RockchipFormat(isWide: false))
        {
            _unit = new RockchipIommu(Bus, new RockchipIommuOptions { Mmus = 2 });
            foreach (var mmu in _unit.Mmus)
            {
                Write(mmu, RockchipMmuRegister.TableBase, Root | 1);
                Write(mmu, RockchipMmuRegister.Command, (uint)RockchipMmuCommand.EnablePaging);
            }
        }

        public override TranslationUnit Unit => _unit;

        public override void Release()
        {
            foreach (var mmu in _unit.Mmus)
            {
                Write(mmu, RockchipMmuRegister.InterruptClear, 3);
                Write(mmu, RockchipMmuRegister.Command, (uint)RockchipMmuCommand.PageFaultDone);
            }
        }

        protected override StreamId StreamOf(int master) => new((uint)master & 1);

        protected override void Invalidate(Iova iova)
        {
            foreach (var mmu in _unit.Mmus)
                Write(mmu, RockchipMmuRegister.ZapLine, (uint)iova.Value);
        }
    }
}
