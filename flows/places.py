"""Where the data lies, and corrections of it, and where it is searched."""

from flows.params import DataParams
from tasks.corrections.source import open_source
from tasks.data_folder import DataFolder, open_data
from tasks.fan_out import runner_name


def open_places(params: DataParams) -> DataFolder:
    """The data folder; whether it is there, and the corrections are, is not looked at yet.

    Raises:
        ConfigError: one of the two cannot be, or what the search is spread over. So credentials in a URL are refused
            before they are noted anywhere, and a typing error before anything is computed.
    """
    runner_name()
    if params.corrections is not None:
        open_source(params.corrections)
    return open_data(params.data)
