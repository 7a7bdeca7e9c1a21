"""Writes reference.json: what numpy, scipy and PyWavelets make of the fixture. Run here; prints the versions."""
import csv
import json

import numpy as np
import pywt
import scipy
import scipy.signal as ss
import scipy.stats as st

x = np.array([float(row[0]) for row in list(csv.reader(open("bidmc_01_pleth.csv", newline="")))[1:]])
sos = ss.butter(3, [0.5, 8], "bandpass", fs=125, output="sos")
y, _ = ss.sosfilt(sos, x, zi=ss.sosfilt_zi(sos) * x[0])


def features(w, fs, low, high):
    f, P = ss.welch(w, fs=fs, nperseg=min(256 if fs <= 50 else 1024, len(w)))
    m = (f >= low) & (f <= high)
    P, f = P[m], f[m]
    q = P / P.sum()
    c = np.cumsum(q)
    d1 = np.diff(w)
    d2 = np.diff(d1)
    mobility = np.sqrt(d1.var() / w.var())
    centroid = (f * q).sum()
    return {
        "spread": [w.mean(), w.std(), np.sqrt((w**2).mean()), st.skew(w), st.kurtosis(w), np.median(w),
                   1.4826 * np.median(np.abs(w - np.median(w))), np.subtract(*np.percentile(w, [75, 25])), np.ptp(w)],
        "motion": [np.mean(np.signbit(w[1:]) != np.signbit(w[:-1])), np.abs(d1).sum() / (len(w) - 1), mobility,
                   np.sqrt(d2.var() / d1.var()) / mobility],
        "power": [centroid, np.sqrt(((f - centroid) ** 2 * q).sum()), -(q * np.log(q)).sum() / np.log(len(q)),
                  np.exp(np.log(P).mean()) / P.mean(), f[np.searchsorted(c, 0.85)], f[np.searchsorted(c, 0.95)],
                  f[np.argmax(P)]],
        "slope": st.theilslopes(w)[0] * fs,
        "energies": [(c**2).sum() for c in pywt.wavedec(w, "db4", mode="periodization", level=5)],
    }


def case(w, fs, low, high):
    return {"rate_hz": fs, "low_hz": low, "high_hz": high, **features(w, fs, low, high)}


stft = ss.stft(x, fs=125, nperseg=256, noverlap=192, boundary=None, padded=False, scaling="psd")
out = {
    "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "pywt": pywt.__version__},
    # Raw and filtered samples (not the first of these, whose sign is rounding) from `first` to `end`, as if at another rate.
    "windows": [
        {"raw": raw, "first": first, "end": end, **case((x if raw else y)[first:end], fs, low, high)}
        for raw, first, end, fs, low, high in [
            (False, 100, 600, 50.0, 0.0, 25.0), (True, 1000, 1500, 50.0, 0.1, 5.0), (True, 200, 400, 20.0, 0.0, 2.0),
            (False, 7, 1008, 100.0, 0.5, 8.0), (True, 0, 3750, 125.0, 0.5, 8.0), (False, 3, 40, 20.0, 0.0, 10.0),
        ]
    ],
    "energies_by_length": {
        str(n): [float((c**2).sum()) for c in pywt.wavedec(x[:n], "db4", mode="periodization", level=5)]
        for n in [1, 2, 3, 5, 7, 8, 13, 31, 32, 33, 100, 250, 501, 999, 1250]
    },
    "welch_median_even": ss.welch(x[:3000], fs=125, nperseg=500, average="median")[1][:20].tolist(),
    "stft_columns_3_and_54": [[[v.real, v.imag] for v in stft[2][:12, k]] for k in (3, 54)],
    "stft_seconds_54": stft[1][54],
    "detrend_constant_first5": ss.detrend(x, type="constant")[:5].tolist(),
}
json.dump(out, open("reference.json", "w"), indent=0)
print(out["versions"])
