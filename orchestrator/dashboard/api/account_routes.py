"""Accounts and tokens, for who administers them; and everybody's own password."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request

from orchestrator.access.records import Account, Token
from orchestrator.access.roles import Principal, Scope
from orchestrator.access.webhooks import WebhookBook
from orchestrator.dashboard.api.answers import PREFIX, for_scope, refused_as
from orchestrator.dashboard.api.keyed import Key, book_of, do_once
from orchestrator.dashboard.api.models import (
    AccountChange,
    AccountDone,
    Done,
    MadeToken,
    NewAccount,
    NewPassword,
    NewToken,
    TokenDone,
)
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.rate import slow_down_sign_in
from orchestrator.errors import NotPermitted, RequestRefused

__all__ = ["router"]

router = APIRouter(prefix=PREFIX, tags=["administration"])

_ADMINISTER: Final = for_scope(Scope.ADMINISTER)
Admin = Annotated[Principal, Depends(needs(Scope.ADMINISTER))]
Person = Annotated[Principal, Depends(needs(Scope.READ))]
Name = Annotated[str, Path(max_length=64)]


@router.post(
    "/me/password",
    operation_id="change_my_password",
    summary="Change one's own password",
    openapi_extra=for_scope(Scope.READ),
)
def change_my_password(request: Request, wanted: NewPassword, me: Person, key: Key) -> Done:
    """Change one's own password; every session of the account ends, this one too."""
    if me.scopes != me.role.scopes:
        raise NotPermitted(me.name, "changing the password", "of the whole role")
    slow_down_sign_in(request, me.name)

    def change(book: WebhookBook) -> str:
        has_one = book.account(me.name).has_password
        if has_one and book.sign_in(me.name, wanted.old.get_secret_value()) is None:
            raise RequestRefused("old: it is not the password")
        book.set_password(me.name, wanted.new.get_secret_value(), by=me.name)
        return me.name

    _, was_done = do_once(request, me, key, wanted, change)
    return Done(message="the password is changed; sign in with it", was_done_before=was_done)


@router.get("/accounts", operation_id="accounts", summary="Accounts", openapi_extra=_ADMINISTER)
def accounts(request: Request, me: Admin) -> tuple[Account, ...]:
    """Return every account, by name; no secret is in it."""
    return book_of(request).accounts()


@router.post(
    "/accounts",
    operation_id="add_account",
    summary="Make an account",
    status_code=201,
    openapi_extra=_ADMINISTER,
)
def add_account(request: Request, wanted: NewAccount, me: Admin, key: Key) -> AccountDone:
    """Make an account, with a password or for tokens alone."""
    password = None if wanted.password is None else wanted.password.get_secret_value()

    def change(book: WebhookBook) -> str:
        return book.add_account(wanted.name, wanted.role, by=me.name, password=password).name

    name, was_done = do_once(request, me, key, wanted, change)
    account = book_of(request).account(name)
    return AccountDone(message=f"{name} is made", was_done_before=was_done, account=account)


@router.post(
    "/accounts/{name}",
    operation_id="change_account",
    summary="Change an account",
    openapi_extra=_ADMINISTER,
)
def change_account(
    request: Request, name: Name, wanted: AccountChange, me: Admin, key: Key
) -> AccountDone:
    """Change an account's role or password, shut it out, or let it in again."""

    def change(book: WebhookBook) -> str:
        with refused_as(404):
            known = book.account(name).name
        if wanted.role is not None:
            book.set_role(known, wanted.role, by=me.name)
        if wanted.password is not None:
            book.set_password(known, wanted.password.get_secret_value(), by=me.name)
        if wanted.is_disabled is not None:
            book.set_disabled(known, is_disabled=wanted.is_disabled, by=me.name)
        return known

    return _account_done(request, do_once(request, me, key, wanted, change))


@router.delete(
    "/accounts/{name}",
    operation_id="disable_account",
    summary="Shut an account out",
    openapi_extra=_ADMINISTER,
)
def disable_account(request: Request, name: Name, me: Admin, key: Key) -> AccountDone:
    """Shut an account out with its sessions and tokens; its name stays, for the log names it."""

    def change(book: WebhookBook) -> str:
        with refused_as(404):
            known = book.account(name).name
        book.set_disabled(known, is_disabled=True, by=me.name)
        return known

    return _account_done(request, do_once(request, me, key, None, change))


@router.get("/tokens", operation_id="tokens", summary="Tokens", openapi_extra=_ADMINISTER)
def tokens(request: Request, me: Admin) -> tuple[Token, ...]:
    """Return every token without its secret, in the order in which they were made."""
    return book_of(request).tokens()


@router.post(
    "/tokens",
    operation_id="make_token",
    summary="Make a token",
    status_code=201,
    openapi_extra=_ADMINISTER,
)
def make_token(request: Request, wanted: NewToken, me: Admin, key: Key) -> MadeToken:
    """Make a token for an account; its secret is in this answer and never again."""
    made: list[str] = []

    def change(book: WebhookBook) -> str:
        before = {token.token_id for token in book.tokens()}
        made.append(
            book.make_token(
                wanted.account,
                label=wanted.label,
                scopes=wanted.scopes,
                by=me.name,
                lasts_days=wanted.lasts_days,
            )
        )
        return next(one.token_id for one in book.tokens() if one.token_id not in before)

    token_id, was_done = do_once(request, me, key, wanted, change)
    message = "the token is made; its secret is shown this once"
    if was_done:
        message = "the token was made before; if its secret did not arrive, revoke it: make another"
    return MadeToken(
        message=message,
        was_done_before=was_done,
        token=_token(book_of(request), token_id),
        secret=None if was_done else made[0],
    )


@router.delete(
    "/tokens/{token_id}",
    operation_id="revoke_token",
    summary="Revoke a token",
    openapi_extra=_ADMINISTER,
)
def revoke_token(
    request: Request, token_id: Annotated[str, Path(max_length=50)], me: Admin, key: Key
) -> TokenDone:
    """Make a token worthless at once."""

    def change(book: WebhookBook) -> str:
        with refused_as(404):
            return book.revoke(token_id, by=me.name).token_id

    known, was_done = do_once(request, me, key, None, change)
    token = _token(book_of(request), known)
    return TokenDone(message="the token is worthless", was_done_before=was_done, token=token)


def _token(book: WebhookBook, token_id: str) -> Token:
    return next(token for token in book.tokens() if token.token_id == token_id)


def _account_done(request: Request, done: tuple[str, bool]) -> AccountDone:
    name, was_done = done
    account = book_of(request).account(name)
    return AccountDone(message=f"{name} is changed", was_done_before=was_done, account=account)
