namespace Aperture.Hardware.Masters;

/// <summary>States of an SD card: CURRENT_STATE of its status (SD Physical Layer Simplified Specification 3.01, section 4.10.1).</summary>
public enum SdCardState
{
    /// <summary>Switched on.</summary>
    Idle = 0,

    /// <summary>Its voltage is settled.</summary>
    Ready = 1,

    /// <summary>It has told what it is.</summary>
    Identification = 2,

    /// <summary>It has an address.</summary>
    Standby = 3,

    /// <summary>It is selected.</summary>
    Transfer = 4,

    /// <summary>It sends blocks.</summary>
    SendingData = 5,

    /// <summary>It takes blocks.</summary>
    ReceivingData = 6,
}
