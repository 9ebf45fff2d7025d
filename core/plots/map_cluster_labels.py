"""Labels of the map's clusters, each at one of the cluster's own points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.plots.map_before_and_after_alignment import MAP_PANELS


def build_map_cluster_labels(
    points: pd.DataFrame, template_titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return labels for the clusters of a map: the titles of templates, with positions.

    Parameters
    ----------
    points : DataFrame
        As in `build_map_figure`, with the column template.
    template_titles : mapping of str to str
        Title by template id.

    Returns
    -------
    list of dict
        Keys "text", "size" (number of points), "before" and "after" ([x, y]). There is one label
        for the code and one for the audio of each template, at the point nearest to their
        medians. Labels of many points come first.
    """
    labels = []
    has_template = points["template"] != ""
    for (template, _), group in points[has_template].groupby(["template", "modality"]):
        positions = {
            panel: _find_point_nearest_to_median(group[[f"{panel}_x", f"{panel}_y"]])
            for panel, _ in MAP_PANELS
        }
        text = template_titles.get(str(template), str(template))
        labels.append({"text": text, "size": len(group), **positions})
    return sorted(labels, key=lambda label: -label["size"])


def _find_point_nearest_to_median(coordinates: pd.DataFrame) -> list[float]:
    """Return the point nearest to the medians, which lies in a cluster and not between two."""
    xy = coordinates.to_numpy(float)
    nearest = np.square(xy - np.median(xy, axis=0)).sum(axis=1).argmin()
    return [round(float(value), 3) for value in xy[nearest]]
