"""How people are told: a notification block of Prefect's, which a variable of the environment names."""

from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound

from tasks.errors import ConfigError

VARIABLE = "FOLDLINE_NOTIFY"
WEBHOOK = "foldline-webhook"
"""Name of the block that is made of a URL."""


def notification_block(client: SyncPrefectClient, where: str) -> UUID:
    """The block that tells people.

    Args:
        client: the server's.
        where: a block that a person has made, as ``slack-webhook/NAME``, ``sendgrid-email/NAME`` and so on; or a URL
            that takes ``{"text": ...}``, as the incoming webhooks of Slack and Mattermost do. The server shows a
            block's content to whoever can reach it.

    Raises:
        ConfigError: there is no such block.
    """
    if where.startswith(("http://", "https://")):
        block = CustomWebhookNotificationBlock(
            name=WEBHOOK, url=where, method="POST", json_data={"text": "{{subject}}\n\n{{body}}"}
        )
        return UUID(str(block.save(WEBHOOK, overwrite=True)))
    kind, _, name = where.partition("/")
    try:
        return client.read_block_document_by_name(name, kind).id
    except ObjectNotFound as error:
        raise ConfigError(
            f"{VARIABLE}={where}: the server has no such block. Make it in its pages (Blocks, +), and name it as "
            "slack-webhook/NAME or sendgrid-email/NAME; or give the URL of a webhook."
        ) from error
