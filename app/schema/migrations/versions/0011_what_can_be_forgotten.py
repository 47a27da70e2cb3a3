"""What stands beside the audit chain and can be erased; addresses of pages and clients' keys without secrets

Revision: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
_OF_OURS = r"^((handoff|feedback) )?(auto-[0-9a-f]{24}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|notice:\S+|breaker:\d+)$"  # noqa: E501


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_texts",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_texts")),
    )
    # Of what was kept until now: what a page's address carries after its path, and keys that clients chose.
    op.execute(
        "UPDATE conversations SET page = jsonb_set(page, '{url}', to_jsonb("
        "regexp_replace(regexp_replace(page->>'url', '[?#].*$', ''), '//[^/@]*@', '//')))"
        " WHERE page->>'url' ~ '[?#@]'"
    )
    op.execute(
        sa.text(
            "UPDATE events SET client_key = 'old-' || id"
            " WHERE client_key IS NOT NULL AND client_key !~ :known"
        ).bindparams(known=_OF_OURS)
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("audit_texts")
