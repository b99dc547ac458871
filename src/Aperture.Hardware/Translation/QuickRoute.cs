using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>What a unit needs to know of a stream so that a hit in its translation cache is the whole answer: nothing else of the unit is
/// asked.</summary>
/// <param name="Cache">Where its translations are; null where the unit must be asked, because it does not translate the stream just
/// so.</param>
/// <param name="Tag">The number of the stream's tag.</param>
/// <param name="Unchecked">The rights that every page gives, whatever it says: <see cref="Protection.ReadWrite"/> where none are
/// checked.</param>
public readonly record struct QuickRoute(TranslationCache? Cache, uint Tag = 0, Protection Unchecked = Protection.None);
