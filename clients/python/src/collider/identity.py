"""People, their organizations, API keys and the audit log: `client.account`, `client.organizations`, `client.keys`.

A client speaks with what it was made with: an API key, or the access token of a login. What is for people only answers
a key with an error of status 403.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, cast

from .resources import Resource
from .transport import moment, segment
from .types import APIKey, AuditEntry, Caller, Invitation, Member, Membership, Organization, Person, TokenPair

Invitable = Literal["admin", "member", "viewer"]


class Account(Resource):
    def register(self, username: str, email: str, password: str, *, invitation: str | None = None) -> Person:
        """Makes an account with an organization of its own, or in the one that has invited."""
        body = {"username": username, "email": email, "password": password, "invitation": invitation}
        return cast(Person, self._call("POST", "/auth/register", body, once=True))

    def log_in(self, email: str, password: str, *, organization_id: str | None = None) -> TokenPair:
        """A pair of tokens; a client that is made with the access token speaks as the person, for 15 minutes."""
        body = {"email": email, "password": password, "organization_id": organization_id}
        return cast(TokenPair, self._call("POST", "/auth/login", body, once=True))

    def refresh(self, refresh_token: str, *, organization_id: str | None = None) -> TokenPair:
        """The next pair. A refresh token is good once: one that comes again ends its session."""
        body = {"refresh_token": refresh_token, "organization_id": organization_id}
        return cast(TokenPair, self._call("POST", "/auth/refresh", body, once=True))

    def log_out(self) -> None:
        self._call("POST", "/auth/logout", once=True)

    def change_password(self, current: str, new: str) -> None:
        """Ends every other session of the person."""
        self._call("POST", "/auth/password", {"current_password": current, "new_password": new}, once=True)

    def me(self) -> Caller:
        return cast(Caller, self._call("GET", "/auth/me"))


class Organizations(Resource):
    def list(self) -> Iterator[Membership]:
        """Those of the person; asked with a key, its one organization, without a role."""
        return iter(self._call("GET", "/organizations")["data"])

    def create(self, name: str) -> Membership:
        return cast(Membership, self._call("POST", "/organizations", {"name": name}, once=True))

    def get(self, id: str) -> Organization:
        return cast(Organization, self._call("GET", _organization(id)))

    def rename(self, id: str, name: str) -> Organization:
        return cast(Organization, self._call("PATCH", _organization(id), {"name": name}))

    def transfer(self, id: str, person_id: str) -> Organization:
        """Makes another member the owner; the caller becomes an admin."""
        return cast(Organization, self._call("POST", f"{_organization(id)}/transfer", {"person_id": person_id}))

    def leave(self, id: str) -> None:
        self._call("POST", f"{_organization(id)}/leave")

    def members(self, id: str, *, limit: int = 100) -> Iterator[Member]:
        return self._pages(f"{_organization(id)}/members", limit)

    def set_role(self, id: str, person_id: str, role: Invitable) -> Member:
        return cast(Member, self._call("PATCH", f"{_organization(id)}/members/{segment(person_id)}", {"role": role}))

    def remove(self, id: str, person_id: str) -> None:
        self._call("DELETE", f"{_organization(id)}/members/{segment(person_id)}")

    def invitations(self, id: str, *, limit: int = 100) -> Iterator[Invitation]:
        return self._pages(f"{_organization(id)}/invitations", limit)

    def invite(self, id: str, email: str, role: Invitable) -> Invitation:
        """The `token` of the answer is shown this once; no mail is sent."""
        body = {"email": email, "role": role}
        return cast(Invitation, self._call("POST", f"{_organization(id)}/invitations", body, once=True))

    def take_back(self, id: str, invitation_id: str) -> None:
        self._call("DELETE", f"{_organization(id)}/invitations/{segment(invitation_id)}")

    def accept(self, token: str) -> Sequence[Membership]:
        """Joins the organization of an invitation; all of the person's are returned."""
        answer = self._call("POST", "/invitations/accept", {"token": token}, once=True)
        return cast(Sequence[Membership], answer["data"])

    def audit(self, *, action: str | None = None, actor: str | None = None, limit: int = 100) -> Iterator[AuditEntry]:
        """Who changed what in the caller's organization, the newest first."""
        return self._pages("/audit", limit, action=action, actor=actor)


class Keys(Resource):
    def list(self, *, limit: int = 100) -> Iterator[APIKey]:
        return self._pages("/api-keys", limit)

    def get(self, id: str) -> APIKey:
        return cast(APIKey, self._call("GET", _key(id)))

    def create(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        expires_at: datetime | str | None = None,
        allowed_addresses: Sequence[str] = (),
    ) -> APIKey:
        """The `api_key` of the answer is shown this once."""
        body = {"name": name, "scopes": list(scopes), "expires_at": moment(expires_at)}
        body["allowed_addresses"] = list(allowed_addresses)
        return cast(APIKey, self._call("POST", "/api-keys", body, once=True))

    def rotate(self, id: str, *, overlap_seconds: int | None = None) -> APIKey:
        """Makes the successor; the old key goes on working for the overlap, a day unless it is said otherwise."""
        body = {} if overlap_seconds is None else {"overlap_seconds": overlap_seconds}
        return cast(APIKey, self._call("POST", f"{_key(id)}/rotate", body, once=True))

    def revoke(self, id: str) -> None:
        self._call("DELETE", _key(id))


def _organization(id: str) -> str:
    return f"/organizations/{segment(id)}"


def _key(id: str) -> str:
    return f"/api-keys/{segment(id)}"
