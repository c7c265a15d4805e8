"""Every act by its name: routes, forms, the API's description and the tests are made from this."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from orchestrator.service.acts.act import Act
from orchestrator.service.acts.alarm_acts import (
    AcknowledgeAlarm,
    AcknowledgeAll,
    ShelveAlarm,
    UnshelveAlarm,
)
from orchestrator.service.acts.bench_acts import (
    CleanPlaces,
    ClearLatch,
    EmergencyStop,
    PutBack,
    TakeOut,
)
from orchestrator.service.acts.campaign_acts import Abort, Hold, Pause, Resume, Stop
from orchestrator.service.acts.candidate_acts import Approve, Edit, Reject
from orchestrator.service.acts.point_acts import AddPoint
from orchestrator.service.acts.priority_acts import SetPriority
from orchestrator.service.acts.result_acts import Amend, AnswerDoubt, GiveResult, Retract
from orchestrator.service.acts.start_acts import StartAgain, StartCampaign
from orchestrator.service.acts.stock_acts import CountStock, DiscardStock, ReceiveStock
from orchestrator.service.acts.task_acts import FinishTask, RefuseTask, TakeTask

__all__ = ["ACTS"]

_ALL: Final[tuple[type[Act], ...]] = (
    Resume,
    Pause,
    Hold,
    Stop,
    Abort,
    SetPriority,
    Approve,
    Reject,
    Edit,
    AddPoint,
    AnswerDoubt,
    Amend,
    GiveResult,
    Retract,
    EmergencyStop,
    ClearLatch,
    TakeOut,
    PutBack,
    CleanPlaces,
    ReceiveStock,
    CountStock,
    DiscardStock,
    AcknowledgeAlarm,
    AcknowledgeAll,
    ShelveAlarm,
    UnshelveAlarm,
    StartCampaign,
    StartAgain,
    TakeTask,
    FinishTask,
    RefuseTask,
)

ACTS: Final[Mapping[str, type[Act]]] = MappingProxyType({act.name: act for act in _ALL})
"""By name, in the order in which they are listed for people."""
