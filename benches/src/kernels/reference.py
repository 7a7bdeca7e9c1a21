"""The counterparts of the kernels in numpy, scipy and PyWavelets, each timed when its name comes in on standard input.

Started with the directory of the inputs (`NAME.f64`, raw doubles). Answers every name with one JSON line, the least seconds
per call of several batches, after writing the result of the kernel to `NAME.reference` in the same directory.
What a program would do once is done once, outside the timed calls: tapers, states, matrices in single precision. Where there is
no counterpart it is what one would write in numpy: `hampel`, `features`, `hrv`. `theilslopes` gives an interval, too, which
ours does not; beside it stands the median of all pairs alone (`theil_sen_pairs`).
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pywt
import scipy
import scipy.signal as signal
import scipy.stats as stats
from scipy.interpolate import CubicSpline

RATE_HZ = 125.0
CHANNELS = 88
BATCHES = 5
# As in stopwatch.rs.
BATCH_SECONDS = 1e-3

directory = Path(sys.argv[1])
inputs = {path.stem: np.fromfile(path) for path in directory.glob("*.f64")}
wave, window = inputs["wave"], inputs["window"]
rows = inputs["rows"].reshape(-1, CHANNELS)
sections = inputs["sections"].reshape(-1, 5)
sos = np.insert(sections, 3, 1.0, axis=1)
settled = signal.sosfilt_zi(sos)
matrix = inputs["matrix"].astype(np.float32).reshape(1_000, -1)
query = inputs["query"].astype(np.float32)
hann_256, hann_1024 = signal.get_window("hann", 256), signal.get_window("hann", 1024)


def bank():
    return signal.sosfilt(sos, rows, axis=0, zi=settled[:, :, None] * rows[0])[0]


def hampel(samples):
    """Centred, five samples on either side, three spreads; the windows at the ends are shorter."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, 11, axis=0)
    median, deviation = np.empty_like(samples), np.empty_like(samples)
    median[5:-5] = np.median(windows, axis=-1)
    deviation[5:-5] = np.median(np.abs(windows - median[5:-5, ..., None]), axis=-1)
    for index in [*range(5), *range(len(samples) - 5, len(samples))]:
        short = samples[max(0, index - 5) : index + 6]
        median[index] = np.median(short, axis=0)
        deviation[index] = np.median(np.abs(short - median[index]), axis=0)
    return np.where(np.abs(samples - median) > 3.0 * np.maximum(1.4826 * deviation, 0.0), median, samples)


def welch(samples, average="mean"):
    return signal.welch(samples, fs=RATE_HZ, window=hann_1024, noverlap=512, average=average)[1]


def stft():
    columns = signal.stft(
        wave, fs=RATE_HZ, window=hann_256, nperseg=256, noverlap=192, boundary=None, padded=False, scaling="psd"
    )[2]
    return columns


def wavelet(samples):
    return np.array([np.dot(part, part) for part in pywt.wavedec(samples, "db4", mode="periodization", level=5)])


first_of_pair, second_of_pair = np.triu_indices(500, 1)


def pairs(samples):
    return np.median((samples[second_of_pair] - samples[first_of_pair]) / (second_of_pair - first_of_pair))


def features(samples):
    first, second = np.diff(samples), np.diff(samples, n=2)
    frequencies, density = signal.welch(samples, fs=RATE_HZ, window=hann_1024, noverlap=512)
    inside = (frequencies >= 0.5) & (frequencies <= 8.0)
    frequencies, power = frequencies[inside], density[inside]
    share = power / power.sum()
    cumulative = np.cumsum(share)
    centroid = (frequencies * share).sum()
    mobility = np.sqrt(first.var() / samples.var())
    return np.array([
        samples.mean(),
        samples.std(),
        np.sqrt((samples**2).mean()),
        stats.skew(samples),
        stats.kurtosis(samples),
        1.4826 * np.median(np.abs(samples - np.median(samples))),
        np.subtract(*np.percentile(samples, [75, 25])),
        np.ptp(samples),
        np.mean(np.signbit(samples[1:]) != np.signbit(samples[:-1])),
        np.abs(first).sum() / len(first),
        mobility,
        np.sqrt(second.var() / first.var()) / mobility,
        centroid,
        np.sqrt(((frequencies - centroid) ** 2 * share).sum()),
        -(share * np.log(np.maximum(share, 1e-300))).sum() / np.log(len(share)),
        np.exp(np.mean(np.log(np.maximum(power, 1e-300)))) / power.mean(),
        frequencies[np.searchsorted(cumulative, 0.85)],
        frequencies[np.searchsorted(cumulative, 0.95)],
        frequencies[np.argmax(power)],
    ])


def hrv(intervals):
    differences = np.diff(intervals)
    seconds = np.cumsum(intervals) / 1e3
    seconds -= seconds[0]
    grid = CubicSpline(seconds, intervals)(np.arange(0.0, seconds[-1], 0.25))
    frequencies, density = signal.welch(grid, fs=4.0, window=hann_256, noverlap=128)

    def power(low_hz, high_hz):
        band = (frequencies >= low_hz) & (frequencies < high_hz)
        return np.trapezoid(density[band], frequencies[band])

    return np.array([
        intervals.mean(),
        intervals.std(ddof=1),
        np.sqrt((differences**2).mean()),
        100.0 * np.mean(np.abs(differences) > 50.0),
        power(0.04, 0.15),
        power(0.15, 0.4),
    ])


def fingerprint(values):
    scores = np.arcsinh((values - inputs["medians"]) / inputs["scales"])
    return (scores / np.linalg.norm(scores)).astype(np.float32)


def differential():
    difference = inputs["detection"] - 0.97 * inputs["reference"]
    return (difference - inputs["offsets"]) * inputs["gains"]


KERNELS = {
    "sosfilt": lambda: signal.sosfilt(sos, wave, zi=settled * wave[0])[0],
    "bank": bank,
    "sosfiltfilt": lambda: signal.sosfiltfilt(sos, wave),
    "butter": lambda: np.delete(signal.butter(3, [0.5, 8.0], "bandpass", fs=RATE_HZ, output="sos"), 3, axis=1),
    "iirnotch": lambda: np.delete(np.concatenate(signal.iirnotch(50.0, 30.0, fs=RATE_HZ)), 3),
    "savgol": lambda: signal.savgol_filter(wave, 11, 3),
    "hampel": lambda: hampel(inputs["spiked"]),
    "hampel_bank": lambda: hampel(rows),
    "detrend": lambda: signal.detrend(wave, type="linear"),
    "welch": lambda: welch(wave),
    "welch_median": lambda: welch(wave, "median"),
    "welch_30s": lambda: welch(window),
    "stft": stft,
    "wavelet": lambda: wavelet(wave),
    "theil_sen": lambda: np.array([stats.theilslopes(window[:500])[0]]),
    "theil_sen_pairs": lambda: np.array([pairs(window[:500])]),
    "features": lambda: features(window),
    "hrv": lambda: hrv(inputs["intervals"]),
    "differential": differential,
    "fingerprint": lambda: fingerprint(inputs["values"]),
    "dots": lambda: matrix @ query,
}


def seconds(work, calls):
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - start


def doubles(result):
    """The result as doubles; columns of complex numbers one after the other, real before imaginary parts."""
    if np.iscomplexobj(result):
        result = result.T.copy().view(np.float64)
    return np.ascontiguousarray(result, dtype=np.float64)


print(json.dumps({"versions": f"numpy {np.__version__}, scipy {scipy.__version__}, pywt {pywt.__version__}"}), flush=True)
for line in sys.stdin:
    name = line.strip()
    kernel = KERNELS[name]
    doubles(kernel()).tofile(directory / f"{name}.reference")
    calls = 1
    while seconds(kernel, calls) < BATCH_SECONDS:
        calls *= 2
    least = min(seconds(kernel, calls) / calls for _ in range(BATCHES))
    print(json.dumps({"seconds": least}), flush=True)
