"""What the server does by itself when something happens to a run, or no longer does."""

from datetime import timedelta
from uuid import UUID

from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows.recording import CHAMPION_REPLACED, GATE_STOPPED
from flows.retrain import SKIPPED
from flows.server.settings import HEARTBEAT, TAG
from flows.train_fold import SICK_DEVICE

SILENCE = timedelta(seconds=20 * HEARTBEAT)
"""Without a heartbeat for so long a run is lost, even if there is no keeper, who finds that out sooner. It is long, as
heartbeats are missed too while the server is away."""
OURS = ResourceSpecification({"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"})


def _became(*names: str) -> set[str]:
    """Events of runs whose state gets one of these names."""
    return {f"prefect.flow-run.{name}" for name in names}


def end_lost_runs() -> AutomationCore:
    """A run whose worker and process are both gone cannot say so, and would run for ever."""
    ends = _became("Completed", "Reused", SKIPPED, "Suspended", "Failed", SICK_DEVICE, "Cancelled", "Crashed")
    silence = EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
        match_related=[OURS],
        for_each={"prefect.resource.id"},
        after=_became("heartbeat"),
        expect=_became("heartbeat") | ends,
        posture=Posture.Proactive,
        threshold=1,
        within=SILENCE,
    )
    message = f"No heartbeat for {SILENCE.seconds} s: its worker is lost."
    return _rule(
        "end lost runs",
        "A run whose worker and process are both gone cannot say so.",
        silence,
        ChangeFlowRunState(state=StateType.CRASHED, message=message),
    )


def notification_rules(block: UUID) -> list[AutomationCore]:
    """Rules that tell people, by the notification block of that id, what they want to know."""
    why = "{{ event.payload.why }}"
    told = (
        ("failures", _became("Failed", SICK_DEVICE), "{{ flow_run.name }} has failed", "{{ flow_run.state.message }}"),
        ("stopped gates", {GATE_STOPPED}, "The gate has stopped {{ flow_run.name }}", why),
        ("champions", {CHAMPION_REPLACED}, "There is a new champion", why),
        ("approvals", _became("Suspended"), "{{ flow_run.name }} waits for approval", "Look at its table; resume it."),
    )
    return [
        _rule(
            f"tell of {what}",
            f"{subject}.",
            EventTrigger(expect=events, match_related=[OURS], posture=Posture.Reactive, threshold=1),
            SendNotification(
                block_document_id=block, subject=f"Foldline: {subject}", body=f"{body}\n\n{{{{ flow_run|ui_url }}}}"
            ),
        )
        for what, events, subject, body in told
    ]


def _rule(name: str, description: str, trigger: EventTrigger, action: ActionTypes) -> AutomationCore:
    return AutomationCore(name=f"foldline: {name}", description=description, trigger=trigger, actions=[action])
