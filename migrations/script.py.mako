"""${message}

Revises: ${down_revision or "nothing"}
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """What changes."""
    ${upgrades if upgrades else "raise NotImplementedError"}


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore the backup that was made before the upgrade")
