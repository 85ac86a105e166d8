from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.matching import (
    Accepted,
    BookOrder,
    Executed,
    MatchingBook,
    Outcome,
    RejectCode,
    Rejected,
    Removed,
    Triggered,
)
from engine.model.instrument import Instrument
from engine.model.market import Quote
from engine.model.order import OrderKind, OrderStatus, Side

INSTRUMENT = Instrument(
    symbol="BTC/USDT:USDT",
    venue_id="BTCUSDT",
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    min_lots=2,
    max_lots=100_000,
    min_notional=5_00000000,
    max_leverage=20,
    maintenance_ppm=4_000,
    maker_ppm=200,
    taker_ppm=500,
    unit=10_000,
)
BUY, SELL = Side.BUY, Side.SELL
MARKET, LIMIT, POST_ONLY = OrderKind.MARKET, OrderKind.LIMIT, OrderKind.POST_ONLY
STOP, TARGET = OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET


def quote(bid: int = 1000, ask: int = 1001, size: int = 100, mark: int | None = None, last: int = 0) -> Quote:
    return Quote(bid, ask, size, size, last or bid, bid if mark is None else mark, 0, 0)


def book(position: int = 0, slippage: int = 0, size: int = 100) -> MatchingBook:
    made = MatchingBook(INSTRUMENT, position, slippage)
    made.market(quote(size=size))
    return made


def order(
    side: Side,
    kind: OrderKind,
    lots: int = 60,
    price: int | None = None,
    trigger: int | None = None,
    *,
    reduce_only: bool = False,
    client_id: str = "a",
) -> BookOrder:
    return BookOrder(
        client_id=client_id, side=side, kind=kind, lots=lots, price=price, trigger=trigger, reduce_only=reduce_only
    )


def deals(outcomes: list[Outcome]) -> list[tuple[int, int, bool]]:
    return [(o.ticks, o.lots, o.maker) for o in outcomes if isinstance(o, Executed)]


@pytest.mark.parametrize(
    ("asked", "expected", "position"),
    [
        (order(BUY, MARKET), [(1001, 60, False)], 60),
        (order(SELL, MARKET), [(1000, 60, False)], -60),
        (order(BUY, MARKET, 350), [(1001, 100, False), (1002, 200, False), (1003, 50, False)], 350),
        (order(SELL, MARKET, 250), [(1000, 100, False), (999, 150, False)], -250),
        (order(BUY, LIMIT, 350, 1002), [(1001, 100, False), (1002, 200, False)], 300),
        (order(BUY, LIMIT, 60, 1000), [], 0),
        (order(SELL, LIMIT, 60, 1000), [(1000, 60, False)], -60),
        (order(SELL, POST_ONLY, 60, 1001), [], 0),
    ],
)
def test_an_order_takes_what_its_price_allows(
    asked: BookOrder, expected: list[tuple[int, int, bool]], position: int
) -> None:
    made = book()
    outcomes = made.submit(asked)
    assert outcomes[0] == Accepted("a")
    assert deals(outcomes) == expected
    assert made.position == position
    rests = [(r.order.client_id, r.filled) for r in made.resting()]
    assert rests == ([] if abs(position) == asked.lots else [("a", abs(position))])


@pytest.mark.parametrize(
    ("asked", "code", "position"),
    [
        (order(BUY, POST_ONLY, 60, 1001), RejectCode.WOULD_TAKE, 0),
        (order(SELL, POST_ONLY, 60, 1000), RejectCode.WOULD_TAKE, 0),
        (order(SELL, MARKET, reduce_only=True), RejectCode.REDUCE_ONLY, 0),
        (order(SELL, MARKET, reduce_only=True), RejectCode.REDUCE_ONLY, -10),
        (order(BUY, LIMIT, 60, 990, reduce_only=True), RejectCode.REDUCE_ONLY, 10),
        (order(SELL, STOP, 60, trigger=1000), RejectCode.WOULD_TRIGGER, 100),
        (order(SELL, STOP, 60, trigger=1005), RejectCode.WOULD_TRIGGER, 100),
        (order(BUY, STOP, 60, trigger=999), RejectCode.WOULD_TRIGGER, -100),
        (order(SELL, TARGET, 60, trigger=1000), RejectCode.WOULD_TRIGGER, 100),
        (order(BUY, TARGET, 60, trigger=1001), RejectCode.WOULD_TRIGGER, -100),
        (order(BUY, MARKET, 49), RejectCode.MIN_NOTIONAL, 0),
        (order(BUY, LIMIT, 49, 1000), RejectCode.MIN_NOTIONAL, 0),
        (order(BUY, STOP, 49, trigger=1010), RejectCode.MIN_NOTIONAL, 0),
        (order(BUY, MARKET, 1), RejectCode.BELOW_MIN_QUANTITY, 0),
        (order(BUY, MARKET, 0), RejectCode.QUANTITY_NOT_POSITIVE, 0),
        (order(BUY, MARKET, 100_001), RejectCode.ABOVE_MAX_QUANTITY, 0),
        (order(BUY, LIMIT, 60), RejectCode.MISSING_PRICE, 0),
        (order(BUY, STOP, 60), RejectCode.MISSING_PRICE, 0),
        (order(BUY, LIMIT, 60, 0), RejectCode.PRICE_NOT_POSITIVE, 0),
    ],
)
def test_a_rule_that_is_broken_is_named_and_nothing_changes(asked: BookOrder, code: RejectCode, position: int) -> None:
    made = book(position)
    (outcome,) = made.submit(asked)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.client_id) == (code, "a")
    assert made.position == position
    assert made.resting() == ()


def test_exactly_the_minimum_notional_passes_and_reduce_only_is_exempt() -> None:
    assert deals(book().submit(order(BUY, LIMIT, 50, 1001))) == [(1001, 50, False)]
    assert book().submit(order(BUY, LIMIT, 50, 1000)) == [Accepted("a")]
    assert deals(book(100).submit(order(SELL, MARKET, 2, reduce_only=True))) == [(1000, 2, False)]


def test_without_a_quote_a_market_order_is_refused_and_a_limit_order_rests() -> None:
    made = MatchingBook(INSTRUMENT)
    (refused,) = made.submit(order(BUY, MARKET))
    assert isinstance(refused, Rejected)
    assert refused.code is RejectCode.NO_MARKET
    assert made.submit(order(BUY, LIMIT, 60, 1000)) == [Accepted("a")]


def test_slippage_goes_against_the_taker_and_never_beyond_the_limit() -> None:
    assert deals(book(slippage=3).submit(order(BUY, MARKET))) == [(1004, 60, False)]
    assert deals(book(slippage=3).submit(order(SELL, MARKET))) == [(997, 60, False)]
    assert deals(book(slippage=3).submit(order(BUY, LIMIT, 60, 1002))) == [(1002, 60, False)]


def test_an_unknown_displayed_size_holds_everything() -> None:
    assert deals(book(size=0).submit(order(BUY, MARKET, 5000))) == [(1001, 5000, False)]


def test_a_resting_order_fills_at_its_price_by_the_displayed_size_and_wholly_when_crossed() -> None:
    made = book()
    made.submit(order(BUY, LIMIT, 250, 990))
    assert made.market(quote(989, 991)) == []
    assert deals(made.market(quote(989, 990))) == [(990, 100, True)]
    assert made.resting()[0].filled == 100
    assert deals(made.market(quote(980, 985, size=10))) == [(990, 150, True)]
    assert made.resting() == ()
    assert made.position == 250


def test_displayed_size_is_shared_by_price_then_arrival() -> None:
    made = book()
    made.submit(order(BUY, LIMIT, 80, 990, client_id="first"))
    made.submit(order(BUY, LIMIT, 80, 990, client_id="second"))
    made.submit(order(BUY, LIMIT, 60, 991, client_id="better"))
    outcomes = made.market(quote(989, 990))
    done = [(o.client_id, o.lots) for o in outcomes if isinstance(o, Executed)]
    assert done == [("better", 60), ("first", 80), ("second", 20)]


@pytest.mark.parametrize(
    ("asked", "position", "quiet", "hit", "price"),
    [
        (order(SELL, STOP, 60, trigger=990, reduce_only=True), 60, 991, 990, 990),
        (order(BUY, STOP, 60, trigger=1010, reduce_only=True), -60, 1009, 1010, 1011),
        (order(SELL, TARGET, 60, trigger=1010, reduce_only=True), 60, 1009, 1010, 1010),
        (order(BUY, TARGET, 60, trigger=990, reduce_only=True), -60, 991, 990, 991),
        (order(BUY, STOP, 60, trigger=1010), 0, 1009, 1010, 1011),
    ],
)
def test_a_conditional_order_triggers_on_the_mark_and_executes_at_market(
    asked: BookOrder, position: int, quiet: int, hit: int, price: int
) -> None:
    made = book(position)
    assert made.submit(asked) == [Accepted("a")]
    assert made.market(quote(hit, hit + 1, mark=quiet, last=hit)) == []
    outcomes = made.market(quote(hit, hit + 1, mark=hit))
    assert outcomes == [Triggered("a"), Executed("a", asked.side, price, 60, False, 0)]
    assert made.resting() == ()


def test_the_last_price_triggers_where_no_mark_is_known() -> None:
    made = book(60)
    made.submit(order(SELL, STOP, 60, trigger=990, reduce_only=True))
    assert made.market(quote(989, 990, mark=0, last=991)) == []
    assert made.market(quote(989, 990, mark=0, last=990))[0] == Triggered("a")


def test_the_stop_comes_before_the_target_and_ends_it() -> None:
    made = book(60)
    made.submit(order(SELL, TARGET, 60, trigger=1010, reduce_only=True, client_id="target"))
    made.submit(order(SELL, STOP, 60, trigger=990, reduce_only=True, client_id="stop"))
    assert made.market(quote(980, 981, mark=980)) == [
        Triggered("stop"),
        Executed("stop", SELL, 980, 60, False, 0),
        Removed("target", OrderStatus.EXPIRED, "reduce-only: no position is left", 0),
    ]


def test_a_reduce_only_order_executes_at_most_the_position_and_the_rest_expires() -> None:
    made = book(40)
    assert made.submit(order(SELL, MARKET, 60, reduce_only=True)) == [
        Accepted("a"),
        Executed("a", SELL, 1000, 40, False, 20),
        Removed("a", OrderStatus.EXPIRED, "reduce-only: no position is left", 40),
    ]
    assert made.position == 0


def test_cancel_removes_once_and_keeps_what_was_filled() -> None:
    made = book()
    made.submit(order(BUY, LIMIT, 160, 1001))
    assert made.cancel("a") == [Removed("a", OrderStatus.CANCELED, "", 100)]
    (again,) = made.cancel("a")
    assert isinstance(again, Rejected)
    assert again.code is RejectCode.UNKNOWN_ORDER


def test_amend_moves_price_and_size_keeps_fills_and_refuses_what_a_new_order_would_be_refused() -> None:
    made = book()
    made.submit(order(BUY, LIMIT, 160, 1001))
    assert made.amend("a", 200, 990) == [Accepted("a")]
    assert (made.resting()[0].order.price, made.resting()[0].filled) == (990, 100)
    (refused,) = made.amend("a", 100, 990)
    assert isinstance(refused, Rejected)
    (too_large,) = made.amend("a", 100_001, 990)
    assert isinstance(too_large, Rejected)
    assert made.resting()[0].order.lots == 200
    assert deals(made.amend("a", 200, 1001)) == [(1001, 100, False)]


def test_an_id_in_the_book_is_not_taken_twice() -> None:
    made = book()
    made.submit(order(BUY, LIMIT, 60, 990))
    (refused,) = made.submit(order(BUY, LIMIT, 60, 990))
    assert isinstance(refused, Rejected)
    assert refused.code is RejectCode.DUPLICATE_ID


PRICES = st.integers(985, 1015)
ORDERS = st.builds(
    lambda side, kind, lots, price, trigger, reduce_only: order(
        side,
        kind,
        lots,
        None if kind in {MARKET, STOP, TARGET} else price,
        trigger if kind in {STOP, TARGET} else None,
        reduce_only=reduce_only,
    ),
    st.sampled_from(list(Side)),
    st.sampled_from(list(OrderKind)),
    st.integers(50, 400),
    PRICES,
    PRICES,
    st.booleans(),
)
QUOTES = st.builds(
    lambda bid, gap, size, mark: quote(bid, bid + gap, size, mark),
    PRICES,
    st.integers(1, 3),
    st.integers(0, 150),
    PRICES,
)
ACTIONS = st.lists(st.one_of(ORDERS, QUOTES, st.integers(0, 40)), min_size=5, max_size=40)


def play(
    made: MatchingBook, action: BookOrder | Quote | int, number: int, asked: dict[str, BookOrder]
) -> list[Outcome]:
    """Orders are numbered; an integer cancels that number."""
    if isinstance(action, Quote):
        return made.market(action)
    if isinstance(action, int):
        return made.cancel(str(action))
    named = order(
        action.side,
        action.kind,
        action.lots,
        action.price,
        action.trigger,
        reduce_only=action.reduce_only,
        client_id=str(number),
    )
    asked[str(number)] = named
    return made.submit(named)


@given(ACTIONS, st.integers(-200, 200), st.integers(0, 3))
def test_invariants_hold_under_any_sequence(actions: list[BookOrder | Quote | int], start: int, slippage: int) -> None:
    made = MatchingBook(INSTRUMENT, start, slippage)
    asked: dict[str, BookOrder] = {}
    done: dict[str, int] = {}
    position = start
    for number, action in enumerate(actions):
        for outcome in play(made, action, number, asked):
            if isinstance(outcome, Executed):
                source = asked[outcome.client_id]
                before, position = position, position + outcome.lots * outcome.side
                done[outcome.client_id] = done.get(outcome.client_id, 0) + outcome.lots
                assert outcome.lots > 0
                assert outcome.left == source.lots - done[outcome.client_id] >= 0
                if source.reduce_only:
                    assert abs(position) < abs(before)
                    assert position * before >= 0
                if source.price is not None:
                    assert (outcome.ticks - source.price) * outcome.side <= 0
                if outcome.maker:
                    assert outcome.ticks == source.price
            elif isinstance(outcome, Removed):
                assert outcome.filled == done.get(outcome.client_id, 0)
        assert made.position == position
        for rest in made.resting():
            assert rest.filled == done.get(rest.order.client_id, 0) < rest.order.lots
            assert not rest.order.reduce_only or position * rest.order.side < 0
