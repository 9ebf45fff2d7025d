"""Projection heads that bring code and audio into one shared space: tensors in, tensors out."""

from core.alignment.config import AlignmentConfig
from core.alignment.heads import ProjectionHeads
from core.alignment.trainer import Trained, train

__all__ = ["AlignmentConfig", "ProjectionHeads", "Trained", "train"]
