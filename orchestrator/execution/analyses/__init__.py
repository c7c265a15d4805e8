"""Named, versioned ways from readings to values."""

from orchestrator.execution.analyses.analysis import (
    Analysis,
    AnalysisResult,
    Estimate,
    Quality,
    ReadingValue,
    SampleRecord,
    StockFacts,
)

__all__ = [
    "Analysis",
    "AnalysisResult",
    "Estimate",
    "Quality",
    "ReadingValue",
    "SampleRecord",
    "StockFacts",
]
