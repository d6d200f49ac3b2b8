#!/usr/bin/env python3
"""What scikit-learn and scipy say of the scores that tests/unit/metrics/test_pair_scores.c makes: 500 scores of 97 values, of
which every other is 1e-9 higher, so that they tie as float32 and not as double; labels 0 or 1, and grades 0 to 1.

    python3 pair_scores_golden.py        # needs numpy, scipy and scikit-learn
"""
import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

x, score, label, grade = 1, [], [], []
for k in range(500):
    x = (1103515245 * x + 12345) % 2**31
    s = (x >> 8) % 97 / 97
    score.append(s + (1e-9 if k % 2 else 0))
    label.append(int((x >> 16) % 100 < 20 + 40 * s))
    grade.append(((x >> 20) % 4 + (2 if s > 0.5 else 0)) / 5)
score = np.array(score).astype(np.float32)
print("ties", 500 - len(np.unique(score)))
print(f"auc {roc_auc_score(label, score):.9f}")
print(f"average_precision {average_precision_score(label, score):.9f}")
print(f"spearman {spearmanr(score, grade)[0]:.9f} {spearmanr(score, label)[0]:.9f}")
print(f"pearson {pearsonr(score.astype(float), grade)[0]:.9f}")
