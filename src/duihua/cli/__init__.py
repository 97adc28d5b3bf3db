"""The command line: each command is a module, which imports what it needs when it is called."""

import typer

from duihua.cli.copy_database import copy_database
from duihua.cli.doctor import doctor
from duihua.cli.export import export
from duihua.cli.import_file import import_file
from duihua.cli.migrate import migrate
from duihua.cli.rotate_key import rotate_key
from duihua.cli.serve import serve

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Duihua 对话: self-hosted AI chat.")
app.command()(serve)
app.command()(migrate)
app.command()(doctor)
app.command("copy")(copy_database)
app.command("import")(import_file)
app.command()(export)
app.command()(rotate_key)


def main() -> None:
    """Run the command line."""
    app()
