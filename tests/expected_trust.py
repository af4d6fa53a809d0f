"""Computes what a firm holds for its clients from its rows, without SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from smokeball_sandbox.areas.ledger import SIGNS
from tests.expected_figures import NOT_OPEN, ZERO

if TYPE_CHECKING:
    from tests.expected_figures import Figures, FirmFigures
    from tests.harness import Json

HELD = {"Trust", "ControlledMoney"}
CLOSED_ACCOUNT = 1
IDLE_DAYS = 365
OVERDRAWN, DIFFERS, WRONG, IDLE, PROTECTED = range(1, 6)
"""Priorities of exceptions."""


class ExpectedTrust:
    """The ledgers, accounts and exceptions of a firm."""

    def __init__(self, firm: FirmFigures) -> None:
        self.firm = firm
        self.accounts = firm.by_id("bank_accounts")
        self._movements: dict[Any, list[tuple[Decimal, date | None, Json]]] = defaultdict(list)
        for account, row in firm.transactions():
            amount = SIGNS.get(row["type"], 0) * Decimal(row["amount"])
            key = account["id"], (row.get("matter") or {}).get("id")
            self._movements[key].append((amount, firm.day(row["effectiveDate"]), row))

    @cached_property
    def ledgers(self) -> Figures:
        """Return the balances and movements of each account and matter."""
        names = {"balance": "balance", "protected_balance": "protectedBalance"}
        names["available_balance"] = "availableBalance"
        found: Figures = {
            (entry["parent"], entry["row"]["matter"]["id"]): {
                column: Decimal(entry["row"][name]) for column, name in names.items()
            }
            for entry in self.firm.rows["matter_balances"]
        }
        for key in self._movements:
            found.setdefault(key, dict.fromkeys(names, ZERO))
        for key, sums in found.items():
            sums["moved_amount"] = sum((each[0] for each in self._movements[key]), ZERO)
        return found

    @property
    def has_ledgers(self) -> bool:
        """Whether any money is, or was, held for clients."""
        return any(self.accounts[account]["type"] in HELD for account, _ in self.ledgers)

    def last_movement(self, key: Any) -> date | None:
        return max((day for _, day, _ in self._movements[key] if day), default=None)

    def moved_after(self, key: Any, day: date) -> Decimal:
        return sum((each[0] for each in self._movements[key] if each[1] and each[1] > day), ZERO)

    @cached_property
    def reconciliation(self) -> Figures:
        """Return the ledgers, movements and the book of each account."""
        found: Figures = {}
        for id_, account in self.accounts.items():
            ledgers = [sums for key, sums in self.ledgers.items() if key[0] == id_]
            sums = {
                "ledger_balance": sum((each["balance"] for each in ledgers), ZERO),
                "moved_amount": sum((each["moved_amount"] for each in ledgers), ZERO),
                "book_balance": Decimal(account["balance"]),
                "overdrawn_ledgers": Decimal(sum(each["balance"] < 0 for each in ledgers)),
            }
            agree = all(each["balance"] == each["moved_amount"] for each in ledgers)
            has_unknown = any(
                row["type"] not in SIGNS
                for key, rows in self._movements.items()
                if key[0] == id_
                for *_, row in rows
            )
            agree = agree and not has_unknown and not sums["overdrawn_ledgers"]
            found[id_,] = {
                **sums,
                "agrees": agree and sums["book_balance"] == sums["ledger_balance"],
            }
        return found

    @cached_property
    def exceptions(self) -> list[tuple[int, str, str, str | None, Decimal]]:
        """Return priority, kind, account, matter and amount of each exception, sorted."""
        found: list[tuple[int, str, str, str | None, Decimal]] = []
        for (id_,), sums in self.reconciliation.items():
            difference = sums["book_balance"] - sums["ledger_balance"]
            if self.accounts[id_]["type"] in HELD and difference:
                found.append((DIFFERS, "book differs from ledgers", id_, None, difference))
        for key, sums in self.ledgers.items():
            found += [
                (priority, kind, *key, amount) for priority, kind, amount in self._of(key, sums)
            ]
        return sorted(found, key=lambda each: (each[0], -abs(each[4]), each[1], str(each)))

    def _of(self, key: Any, sums: dict[str, Any]) -> list[tuple[int, str, Decimal]]:
        account, balance = self.accounts[key[0]], sums["balance"]
        is_held, last = account["type"] in HELD, self.last_movement(key)
        status = self.firm.by_id("matters")[key[1]]["status"] if key[1] else None
        unknown = sum(row["type"] not in SIGNS for *_, row in self._movements[key])
        is_idle = last is not None and (self.firm.today - last).days > IDLE_DAYS
        moved = "ledger differs from movements"
        tests = (
            (OVERDRAWN, "overdrawn", balance, is_held and balance < 0),
            (DIFFERS, moved, balance - sums["moved_amount"], balance != sums["moved_amount"]),
            (DIFFERS, "unknown type of movement", Decimal(unknown), unknown > 0),
            (
                WRONG,
                "money on a matter that is not open",
                balance,
                is_held and balance > 0 and status in NOT_OPEN,
            ),
            (
                WRONG,
                "money in a closed account",
                balance,
                bool(balance) and account["status"] == CLOSED_ACCOUNT,
            ),
            (IDLE, "idle for a year", balance, is_held and balance > 0 and is_idle),
            (
                PROTECTED,
                "protected",
                sums["protected_balance"],
                is_held and bool(sums["protected_balance"]),
            ),
        )
        alone = [(WRONG, "unmatched reversal", amount) for amount in self._lone_reversals(key)]
        return [
            (priority, kind, amount) for priority, kind, amount, is_true in tests if is_true
        ] + alone

    def _lone_reversals(self, key: Any) -> list[Decimal]:
        """Return the amounts of reversals, and reversed movements, without their other half."""
        of_account = {
            row["id"]: amount
            for (account, _), rows in self._movements.items()
            if account == key[0]
            for amount, _, row in rows
        }
        found = []
        for amount, _, row in self._movements[key]:
            if row["type"].endswith("Reversal") and row["type"] in SIGNS:
                other = (row.get("reversedFromTransaction") or {}).get("id")
                if of_account.get(other) != -amount:
                    found.append(amount)
            elif row.get("reversed"):
                other = (row.get("reversedToTransaction") or {}).get("id")
                if other not in of_account:
                    found.append(amount)
        return found

    @cached_property
    def transferable(self) -> Figures:
        """Return the trust money of each matter that pays its bills: the lesser of both amounts."""
        available: Counter[str] = Counter()
        for (account, matter), sums in self.ledgers.items():
            if matter and self.accounts[account]["type"] == "Trust":
                available[matter] += max(sums["available_balance"], ZERO)
        matters = {e["row"]["id"]: e["parent"] for e in self.firm.rows["invoices"]}
        found: Figures = {}
        for row in self.firm.issued():
            unpaid = Decimal((row.get("invoiceTotals") or {}).get("unpaid", 0))
            if unpaid <= 0 or not available[matters[row["id"]]]:
                continue
            empty = {"unpaid_amount": ZERO, "unpaid_invoices": ZERO, "oldest": date.max}
            sums = found.setdefault((matters[row["id"]],), empty)
            sums["unpaid_amount"] += unpaid
            sums["unpaid_invoices"] += 1
            sums["oldest"] = min(sums["oldest"], self.firm.day(row.get("issuedDate")) or date.max)
        for (matter,), sums in found.items():
            sums["available_amount"] = available[matter]
            sums["transferable_amount"] = min(available[matter], sums["unpaid_amount"])
        return found
