namespace Aperture.Core;

/// <summary>Tells all who listen to an event: one that throws does not keep the others from hearing.</summary>
public static class Listeners
{
    /// <summary>Calls each, in order; what was thrown is thrown when all have heard (<see cref="ThrownErrors.Throw"/>).</summary>
    /// <param name="listeners">An event's; null for nobody.</param>
    /// <param name="what">What they are told.</param>
    public static void Tell<T>(Action<T>? listeners, T what)
    {
        var errors = default(ThrownErrors);
        Tell(listeners, what, ref errors);
        errors.Throw();
    }

    /// <summary>The same where the caller has something left to do, too.</summary>
    /// <param name="listeners">An event's; null for nobody.</param>
    /// <param name="what">What they are told.</param>
    /// <param name="errors">Takes what is thrown.</param>
    public static void Tell<T>(Action<T>? listeners, T what, ref ThrownErrors errors)
    {
        foreach (var listener in Delegate.EnumerateInvocationList(listeners))
        {
            try
            {
                listener(what);
            }
            catch (Exception error)
            {
                errors.Add(error);
            }
        }
    }
}
