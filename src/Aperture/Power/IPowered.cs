namespace Aperture.Power;

/// <summary>What has runtime power: a device, as its power sees it.</summary>
public interface IPowered
{
    /// <summary>Its name, for messages.</summary>
    string Name { get; }

    /// <summary>Its power.</summary>
    RuntimePower Power { get; }

    /// <summary>Its power domains, in the order in which they are switched on.</summary>
    IList<Gate> PowerDomains { get; }

    /// <summary>Its driver, if one is bound or being bound.</summary>
    IPowerAware? Bound { get; }
}
