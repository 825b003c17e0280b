"""Worlds for the kit of provisioners: the memory platform, and a library that lends things."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager

from marketplace_sdk.plugin import ObjectGrants, ProvisioningError
from marketplace_sdk.testing import MemoryPlatform
from marketplace_sdk.testing.conformance import ProvisionerWorld


class MemoryWorld(ProvisionerWorld):
    """The memory platform, closed: only what is made exists. Not everything can be done on it."""

    lacks = {
        "markers": "grants carry no word about who gave them",
        "secrets": "it needs no password",
        "set_until": "grants have no end of their own",
    }

    def __init__(self):
        self.platform = MemoryPlatform(objects={}, principals=[], protected=[])
        self.columns = {}

    def connect(self, installation):
        return self.platform

    def make_object(self, word, columns=("id",)):
        name = f"sales.{word}"
        self.columns[name] = columns
        self.platform.create(name, columns)
        return name

    def make_principal(self, word):
        self.platform.replace_principal(word)
        return word

    def can_read(self, principal, object):
        return self.platform.can_read(principal, object)

    def sees_clear(self, principal, object, column):
        return self.platform.sees_clear(principal, object, column)

    def snapshot(self):
        return self.platform.snapshot()

    def grant_by_hand(self, principal, object):
        self.platform.grant_by_hand(principal, object)

    def give_again(self, principal, object, scope):
        self.platform.grant_by_hand(principal, object)
        return True

    def protect(self, object, column):
        self.platform.protect(object, column)

    def unprotect(self, object, column):
        self.platform.unprotect(object, column)

    def replace_object(self, object):
        self.platform.create(object, self.columns[object])

    def replace_principal(self, principal):
        self.platform.replace_principal(principal)

    @contextmanager
    def unreachable(self):
        self.platform.unreachable = True
        yield
        self.platform.unreachable = False

    @contextmanager
    def refusing(self, object):
        self.platform.refuse(object)
        yield
        self.platform.permit(object)


class Library:
    """A platform of its own: shelves and readers with numbers, and who may use which shelf."""

    def __init__(self, token):
        self.token = token
        self.lock = threading.Lock()
        self.generations = Counter()
        self.ids = {}  # (kind, name) -> native id
        self.cards = {}  # (shelf id, reader id) -> who gave it
        self.columns = {}
        self.hidden = set()  # (shelf id, column)
        self.down = False
        self.refused = set()

    def make(self, kind, name):
        self.generations[kind, name] += 1
        old = self.ids.get((kind, name))
        self.cards = {card: by for card, by in self.cards.items() if old not in card}
        self.ids[kind, name] = f"{kind}/{name}/{self.generations[kind, name]}"
        return name

    def ask(self, token):
        if token != self.token:
            raise PermissionError(token)
        if self.down:
            raise ConnectionError(f"https://library/?token={token}")


class LibraryProvisioner(ObjectGrants):
    """The three methods, and those in which the library knows more than the least."""

    def __init__(self, library, token):
        super().__init__(platform="library:main")
        self.library = library
        self.__token = token

    def holders(self, shelf):
        self.library.ask(self.__token)
        with self.library.lock:
            return {
                reader: by == "marketplace"
                for (place, reader), by in self.library.cards.items()
                if place == shelf
            }

    def grant(self, shelf, reader):
        self.library.ask(self.__token)
        if shelf in self.library.refused:
            raise ProvisioningError("the librarian says no")
        with self.library.lock:
            self.library.cards[shelf, reader] = "marketplace"

    def revoke(self, shelf, reader):
        self.library.ask(self.__token)
        with self.library.lock:
            del self.library.cards[shelf, reader]

    def resolve_object(self, name):
        return self._find("shelf", name)

    def resolve_principal(self, name):
        return self._find("reader", name)

    def protected_columns(self, shelf):
        self.library.ask(self.__token)
        return {column for place, column in self.library.hidden if place == shelf}

    def _find(self, kind, name):
        self.library.ask(self.__token)
        return self.library.ids.get((kind, name))


class LibraryWorld(ProvisionerWorld):
    """A library, whose provisioner is an ``ObjectGrants`` with everything that one can have."""

    lacks = {
        "set_until": "library cards have no end",
        "unmask": "an ObjectGrants has no masking exceptions",
    }
    secrets = ("swordfish-7",)

    def __init__(self):
        self.library = Library(self.secrets[0])

    def connect(self, installation):
        return LibraryProvisioner(self.library, self.secrets[0])

    def make_object(self, word, columns=("id",)):
        return self.library.make("shelf", word)

    def make_principal(self, word):
        return self.library.make("reader", word)

    def can_read(self, principal, object):
        return self._card(principal, object) in self.library.cards

    def sees_clear(self, principal, object, column):
        hidden = (self.library.ids["shelf", object], column) in self.library.hidden
        return self.can_read(principal, object) and not hidden

    def snapshot(self):
        return frozenset(self.library.cards.items())

    def grant_by_hand(self, principal, object):
        self.library.cards[self._card(principal, object)] = "the librarian"

    def give_again(self, principal, object, scope):
        self.grant_by_hand(principal, object)
        return True

    def protect(self, object, column):
        self.library.hidden.add((self.library.ids["shelf", object], column))

    def unprotect(self, object, column):
        self.library.hidden.discard((self.library.ids["shelf", object], column))

    def replace_object(self, object):
        self.library.make("shelf", object)

    def replace_principal(self, principal):
        self.library.make("reader", principal)

    @contextmanager
    def unreachable(self):
        self.library.down = True
        yield
        self.library.down = False

    @contextmanager
    def refusing(self, object):
        shelf = self.library.ids["shelf", object]
        self.library.refused.add(shelf)
        yield
        self.library.refused.discard(shelf)

    def _card(self, principal, object):
        return self.library.ids["shelf", object], self.library.ids["reader", principal]
