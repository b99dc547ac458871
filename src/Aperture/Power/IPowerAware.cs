namespace Aperture.Power;

/// <summary>What runtime power and system sleep tell a driver.</summary>
public interface IPowerAware
{
    /// <summary>Prepares for system sleep: the device is quiet afterwards and its state is saved. Called only while the
    /// device is runtime-active; consumers first.</summary>
    void Suspend() => RuntimeSuspend();

    /// <summary>Comes back from system sleep. Suppliers first.</summary>
    void Resume() => RuntimeResume();

    /// <summary>The device is idle and loses power or clock after this.</summary>
    void RuntimeSuspend()
    {
    }

    /// <summary>The device has power and clock again and must be brought to the state in which it can work.</summary>
    void RuntimeResume()
    {
    }
}
