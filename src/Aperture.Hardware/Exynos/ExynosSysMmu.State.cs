using Aperture.Core;
using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Exynos;

/// <content>What follows from MMU_CTRL, MMU_CFG and the table bases: blocked, off or translating.</content>
public sealed partial class ExynosSysMmu
{
    /// <summary>A bit of <see cref="_checks"/> that no TLB entry satisfies: every access of the VID takes the slow path.</summary>
    private const uint SpecialVm = 0x80;

    private readonly uint[] _checks = new uint[SysMmuVmRegister.Count];      // access bits that are checked, by VID
    private readonly ulong[] _tableBases = new ulong[SysMmuVmRegister.Count]; // first-level tables, by VID
    private Mode _mode;          // what happens to an access
    private bool _usesFlpds;     // whether the first-level descriptor cache is on
    private bool _usesL2;        // whether the second TLB is on
    private bool _faultHeld;     // whether a fault holds the unit, when the block bit does not show it
    private int _pollsLeft;      // reads of MMU_STATUS that still answer "not blocked"; negative: for ever

    private enum Mode : byte
    {
        PassingThrough,
        Translating,
        Held,
    }

    /// <summary>Reads of MMU_STATUS that still answer "not blocked" after the next request to block; negative: for ever. Accesses are held
    /// from the request on; the status follows when those under way are done.</summary>
    public int BlockDelayPolls { get; set; }

    private SysMmuControl Control => new(this[SysMmuRegister.Control]);

    private SysMmuConfig Config => new(this[SysMmuRegister.Config]);

    private void WriteControl(uint value)
    {
        var control = new SysMmuControl(value);
        var oldMode = _mode;
        if (control.IsBlocked && !Control.IsBlocked)
            _pollsLeft = BlockDelayPolls;
        this[SysMmuRegister.Control] = value;
        if (!control.IsBlocked || !control.IsEnabled)
            _faultHeld = false;
        RefreshMode(control);
        if (oldMode != _mode && oldMode != Mode.Held)
            EndAccesses();
    }

    private uint ReadStatus()
    {
        var blocked = _mode == Mode.Held;
        if (blocked && _pollsLeft != 0)
        {
            blocked = false;
            if (_pollsLeft > 0)
                _pollsLeft--;
        }

        return Options.StatusOtherBits | (blocked ? SysMmuRegister.StatusBlocked : 0);
    }

    private void RefreshMode() => RefreshMode(Control);

    private void RefreshMode(SysMmuControl control)
    {
        var mode = !control.IsEnabled ? Mode.PassingThrough
            : control.IsBlocked || _faultHeld ? Mode.Held
            : Mode.Translating;
        if (mode != _mode)
        {
            _mode = mode;
            OpenRoutes(mode == Mode.Translating);
            NoteStall(mode == Mode.Held);
        }

        Interrupt.Set(this[InterruptStatus] != 0 && control.HasInterrupt && Answers);
    }

    private void RefreshRoutes()
    {
        for (var stream = 0; stream <= _vids.Length; stream++)
            SetRoute(stream, RouteOf(VidOf(new StreamId((uint)stream))));
        OpenRoutes(_mode == Mode.Translating);
    }

    /// <summary>With banks the page decides where to look.</summary>
    private QuickRoute RouteOf(uint vid)
    {
        var isPlain = _bankMask == 0 && (_checks[vid] & SpecialVm) == 0;
        return new QuickRoute(isPlain ? _tlb[0] : null, _tags[vid], (Protection)(~_checks[vid] & (uint)SysMmuAccess.ReadWrite));
    }

    private void RefreshAll()
    {
        _usesFlpds = _flpds is not null && Config.UsesFlpdCache;
        _usesL2 = _l2 is not null && (_layout != SysMmuLayout.V5 || (this[SysMmuV5Register.L2TlbConfig] & 1) != 0);
        for (var vid = 0u; vid < (_layout == SysMmuLayout.V7Vm ? SysMmuVmRegister.Count : 1); vid++)
        {
            var checks = ChecksPermission(vid) ? (uint)SysMmuAccess.ReadWrite : 0;
            var isSpecial = Options.ViolatesSecurity is not null || !IsVmOn(vid);
            _checks[vid] = checks | (isSpecial ? SpecialVm : 0);
            _tableBases[vid] = TableBase(vid);
        }

        RefreshRoutes();
        RefreshMode();
    }

    private bool IsVmOn(uint vid) =>
        _layout != SysMmuLayout.V7Vm || Options.DisabledVm == SysMmuDisabledVm.Translate || VmControl(vid).IsEnabled;

    private SysMmuVmControl VmControl(uint vid) => new(this[VmOffset(vid, SysMmuVmRegister.Control)]);

    private bool ChecksPermission(uint vid)
    {
        if (_layout != SysMmuLayout.V7Vm)
            return Config.ChecksPermission;
        return new SysMmuConfig(this[VmOffset(vid, SysMmuVmRegister.Config)]).ChecksPermission
            || (Options.VmUsesGlobalPermissionBit && Config.ChecksPermission);
    }

    private ulong TableBase(uint vid)
    {
        var address = _layout switch
        {
            SysMmuLayout.V1 => this[SysMmuV1Register.TableBase],
            SysMmuLayout.V7Vm => (ulong)this[VmOffset(vid, SysMmuVmRegister.TableBase)] << 12,
            _ => (ulong)this[SysMmuV5Register.TableBase] << 12,
        };
        return Options.AlignsTableBase ? address & ~(SysMmuFirstLevel.TableSize - 1ul) : address & ~3ul;
    }

    private static uint VmOffset(uint vid, uint register) => SysMmuVmRegister.Block + (vid * SysMmuVmRegister.BlockStride) + register;
}
