"""Noise that happens: ordinary ECG noise, made by rule, and how it gets onto a beat at a given signal-to-noise ratio.

Nothing here is recorded. Each kind is made on the 360 Hz grid of the records and goes to 120 Hz as they do, by every third
sample and without a filter: what lies above 60 Hz comes back folded. The shapes follow the literature:

- GM Friesen et al. (1990), A comparison of the noise sensitivity of nine QRS detection algorithms, IEEE Trans Biomed Eng
  37(1): models of respiration, muscle, motion and mains.
- GB Moody, WK Muldrow, RG Mark (1984), A noise stress test for arrhythmia detectors, Computers in Cardiology 11: the kinds
  wander, muscle and electrode motion, and that the last is the worst, for it looks like beats.
- L Sörnmo, P Laguna (2005), Bioelectrical Signal Processing in Cardiac and Neurological Applications, ch. 7: the bands.

The records were filtered to 0.1-100 Hz before they were digitised (Moody & Mark 2001), so no noise is made above 100 Hz,
save the mains' harmonics, faint as such a filter leaves them.

Signal-to-noise ratio: 10 log10 of the variance of the beat's signal samples over the variance of the noise on them. A
constant is no noise: min-max takes it away again. Being a ratio, it needs no millivolts: in mV both sides grow by the square
of the beat's range.
"""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import BEAT_LENGTH, DECIMATION, RECORD_FS_HZ, signal_mask
from nsr_core.data.cutting import scale_rows
from nsr_core.errors import UserError

#: To be raised whenever the same seed gives other noise: results with another number are not comparable.
SYNTHESIS = 1
#: A beat's noise is cut from the middle of so many samples at 360 Hz, so that it has a before and an after.
STRETCH = round(5 * RECORD_FS_HZ)

#: Of wander, in Hz; the drift is what sweat and posture do.
RESPIRATION_HZ = (0.15, 0.3)
DRIFT_HZ = (0.02, 0.12)
DRIFT_WAVES = 3
#: Breathing out takes longer than breathing in: the second harmonic, as a share of the first.
SECOND_HARMONIC = 0.15

#: Of muscle: the corners of the surface EMG's spectrum (Shwedyk 1977, Stulen & De Luca 1981), lowered for electrodes that
#: do not lie on the muscle; its band; how fast and how strongly it swells and ebbs.
EMG_CORNERS_HZ = (30.0, 60.0)
EMG_BAND_HZ = (5.0, 100.0)
BURST_HZ = 2.0
BURST_STRENGTH = 0.7

#: Of electrode motion: slips per second, their rise and decay in seconds, their share of the power, the swings' band.
SLIPS_PER_S = 1.0
SLIP_RISE_S = (0.02, 0.05)
SLIP_DECAY_S = (0.15, 0.4)
SLIP_SHARE = 0.7
SWING_BAND_HZ = (1.0, 10.0)

#: Of mains: how far the frequency strays, harmonics by amplitude, and how far the amplitude drifts.
MAINS_STRAY_HZ = 0.1
MAINS_HARMONICS = {2: 0.03, 3: 0.08}
MAINS_DRIFT = 0.1
MAINS_DRIFT_HZ = (0.1, 0.5)

Make = Callable[[int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class NoiseKind:
    """One kind of everyday noise.

    Attributes:
        name: in tables and on the command line.
        title: for people.
        help: what it looks like and where it comes from.
        make: ``make(samples, rng)`` to (samples,) noise at 360 Hz in any unit.
    """

    name: str
    title: str
    help: str
    make: Make


def _wander(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Respiration as a slow wave whose depth changes from breath to breath, and a drift below it."""
    breath = rng.uniform(*RESPIRATION_HZ)
    depth = 1 + 0.3 * _wave(samples, breath / 4, rng)
    phase = rng.uniform(0, 2 * np.pi)
    angle = 2 * np.pi * breath * _seconds(samples) + phase
    breathing = depth * (np.sin(angle) + SECOND_HARMONIC * np.sin(2 * angle + rng.uniform(0, 2 * np.pi)))
    drift = sum(_wave(samples, rng.uniform(*DRIFT_HZ), rng) for _ in range(DRIFT_WAVES))
    return breathing + drift / math.sqrt(DRIFT_WAVES)


def _muscle(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian noise with the spectrum of a surface EMG, in bursts."""
    low, high = EMG_CORNERS_HZ

    def amplitude(hz: NDArray[np.floating]) -> NDArray[np.float64]:
        shape: NDArray[np.float64] = (
            _within(hz, EMG_BAND_HZ) * high**2 * hz / (np.sqrt(hz**2 + low**2) * (hz**2 + high**2))
        )
        return shape

    swell = _shaped(samples, lambda hz: np.exp(-((hz / BURST_HZ) ** 2)), rng)
    return np.exp(BURST_STRENGTH * swell) * _shaped(samples, amplitude, rng)


def _motion(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Slips of an electrode, each a jump of the baseline that decays and undershoots, on slow large swings.

    An amplifier that blocks the constant lets no baseline stay displaced: what is above it comes back below it.
    """
    reach = round(5 * SLIP_DECAY_S[1] * RECORD_FS_HZ)  # so far back a slip can still be felt
    at = np.arange(-reach, samples)
    slips = np.zeros(samples)
    for start in at[rng.random(len(at)) < SLIPS_PER_S / RECORD_FS_HZ].tolist():
        rise, decay = rng.uniform(*SLIP_RISE_S), rng.uniform(*SLIP_DECAY_S)
        since = (np.arange(max(start, 0), samples) - start) / RECORD_FS_HZ
        slips[max(start, 0) :] += rng.normal() * -np.expm1(-since / rise) * (1 - since / decay) * np.exp(-since / decay)
    swings = _shaped(samples, lambda hz: _within(hz, SWING_BAND_HZ) / np.maximum(hz, SWING_BAND_HZ[0]), rng)
    return math.sqrt(SLIP_SHARE) * unit(slips) + math.sqrt(1 - SLIP_SHARE) * swings


def _mains(hz: float) -> Make:
    def make(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """The hum of the supply: a sine wave with faint harmonics, its amplitude hardly drifting."""
        base = hz + rng.uniform(-MAINS_STRAY_HZ, MAINS_STRAY_HZ)
        hum = _wave(samples, base, rng)
        for multiple, amplitude in MAINS_HARMONICS.items():
            hum = hum + amplitude * _wave(samples, multiple * base, rng)
        return (1 + MAINS_DRIFT * _wave(samples, rng.uniform(*MAINS_DRIFT_HZ), rng)) * hum

    return make


_KINDS = (
    NoiseKind(
        "wander",
        "Baseline wander",
        "The baseline rises and falls as the patient breathes, and drifts; below 0.5 Hz.",
        _wander,
    ),
    NoiseKind(
        "muscle",
        "Muscle artefact",
        "A fine irregular fuzz in bursts, from tense or shivering muscles (EMG); mostly 10 to 80 Hz.",
        _muscle,
    ),
    NoiseKind(
        "motion",
        "Electrode motion",
        "Jumps of the baseline that decay, and large slow swings, from a pulled or pressed electrode; mostly below 10 Hz.",
        _motion,
    ),
    NoiseKind(
        "mains50",
        "Mains hum, 50 Hz",
        "A regular thickening of the trace by the electric supply, as in most of the world.",
        _mains(50.0),
    ),
    NoiseKind(
        "mains60",
        "Mains hum, 60 Hz",
        "The same in North America, where the records were made. At 120 samples a second it alternates from one sample to "
        "the next.",
        _mains(60.0),
    ),
)
NOISE_KINDS = {kind.name: kind for kind in _KINDS}


def get_kind(name: str) -> NoiseKind:
    """The kind called ``name``.

    Raises:
        UserError: there is none.
    """
    if name not in NOISE_KINDS:
        raise UserError(f'There is no kind of noise "{name}". Choose among: {", ".join(NOISE_KINDS)}.')
    return NOISE_KINDS[name]


def generator_of(kind: str, seed: int, draw: int, row: int) -> np.random.Generator:
    """The chance of one beat: counter-based numbers that depend on these four and on nothing else."""
    key = np.array([seed, row], np.uint64)
    counter = np.array([0, 0, zlib.crc32(kind.encode()), draw], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def synthesise(kind: str, samples: int, rng: np.random.Generator) -> np.ndarray:
    """(samples,) noise at 360 Hz with mean 0 and RMS 1: times a number of mV, it is in mV."""
    return unit(get_kind(kind).make(samples, rng))


def beat_noise(kind: str, length: np.ndarray, rows: np.ndarray, *, seed: int = 0, draw: int = 0) -> np.ndarray:
    """One draw of noise for each of some beats, as the beats' own samples would have it.

    Args:
        kind: a name in ``NOISE_KINDS``.
        length: (n,) number of signal samples.
        rows: (n,) the beats' rows in their data; with kind, seed and draw they decide the noise, whatever the batch.

    Returns:
        (n, 187) at 120 Hz; over each beat's signal samples mean 0 and RMS 1, zero on the padding. Of a single signal
        sample 0, for it cannot vary.
    """
    start = (STRETCH - DECIMATION * BEAT_LENGTH) // 2
    window = slice(start, start + DECIMATION * BEAT_LENGTH, DECIMATION)
    noise = np.zeros((len(rows), BEAT_LENGTH))
    for place, (row, count) in enumerate(zip(np.asarray(rows).tolist(), np.asarray(length).tolist(), strict=True)):
        stretch = synthesise(kind, STRETCH, generator_of(kind, seed, draw, row))
        noise[place, :count] = unit(stretch[window][:count])
    return noise


def signal_power(x: np.ndarray, length: np.ndarray) -> NDArray[np.float64]:
    """(n,) variance of the signal samples of (n, 187) beats, or of noise on them."""
    mask = signal_mask(length)
    count = np.asarray(length, np.float64)
    mean = np.sum(x, axis=1, where=mask, dtype=np.float64) / count
    return np.sum((x - mean[:, None]) ** 2, axis=1, where=mask, dtype=np.float64) / count


def noise_rms(x: np.ndarray, length: np.ndarray, snr_db: float) -> NDArray[np.float64]:
    """(n,) RMS of the noise that has the signal-to-noise ratio ``snr_db`` on each beat, in the beats' unit."""
    return np.sqrt(signal_power(x, length)) * 10 ** (-snr_db / 20)


def snr_of_eps(x: np.ndarray, length: np.ndarray, eps: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) signal-to-noise ratio in dB of noise that changes each signal sample of (n, 187) beats by ``eps``, up or down.

    No noise of at most ``eps``, one for all or one for each beat, has a smaller one. Infinite at 0; minus infinite on a flat beat.
    One beat may meet many levels.
    """
    power = signal_power(x, length)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(eps, 0), np.inf, 10 * np.log10(power / np.square(eps)))


def add_noise(
    x: NDArray[np.float64], length: NDArray[np.float64], noise: NDArray[np.float64], snr_db: float
) -> NDArray[np.float64]:
    """The beats with noise as they would have been recorded, before they are scaled.

    Args:
        x: (n, 187) beats.
        length: (n,) number of signal samples.
        noise: (n, 187) as ``beat_noise`` gives it.
        snr_db: signal-to-noise ratio; infinite for none.

    Returns:
        (n, 187) float64 on the scale of ``x``, beyond [0, 1] too; times the beat's range plus its minimum it is in mV.
    """
    return x + noise_rms(x, length, snr_db)[:, None] * noise


def scale_again(noisy: np.ndarray, x: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Beats with noise as a network gets them: minimum 0 and maximum 1 again, as when beats are cut.

    A truncated beat may have left its extremes in the part that it lost; those stay what they were, without noise.

    Args:
        noisy: (n, 187) as ``add_noise`` gives it.
        x: (n, 187) the same beats without noise.
        length: (n,) number of signal samples.

    Returns:
        (n, 187) float32 in [0, 1], zero on the padding.
    """
    mask = signal_mask(length)
    low, high = _extremes(noisy, mask)
    clean_low, clean_high = _extremes(x, mask)
    low = np.where(clean_low > 0, np.minimum(low, 0), low)
    high = np.where(clean_high < 1, np.maximum(high, 1), high)
    return scale_rows(noisy, low, high, length)


def _extremes(rows: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.min(rows, axis=1, where=mask, initial=np.inf), np.max(rows, axis=1, where=mask, initial=-np.inf)


def unit(noise: NDArray[np.floating]) -> NDArray[np.float64]:
    """The noise with mean 0 and RMS 1; all 0 where it does not vary."""
    centred = noise - noise.mean()
    rms = math.sqrt(np.mean(centred**2))
    scaled: NDArray[np.float64] = centred / rms if rms > 0 else centred
    return scaled


def _seconds(samples: int) -> NDArray[np.float64]:
    return np.arange(samples) / RECORD_FS_HZ


def _wave(samples: int, hz: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A sine wave that begins anywhere."""
    return np.sin(2 * np.pi * hz * _seconds(samples) + rng.uniform(0, 2 * np.pi))


def _shaped(
    samples: int, amplitude: Callable[[NDArray[np.floating]], NDArray[np.float64]], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Gaussian noise with RMS 1 whose amplitude over frequency in Hz is as given."""
    spectrum = np.fft.rfft(rng.standard_normal(samples)) * amplitude(np.fft.rfftfreq(samples, 1 / RECORD_FS_HZ))
    return unit(np.fft.irfft(spectrum, samples))


def _within(hz: NDArray[np.floating], band: tuple[float, float]) -> NDArray[np.float64]:
    """1 inside a band, 0 outside."""
    return ((hz >= band[0]) & (hz <= band[1])).astype(np.float64)
