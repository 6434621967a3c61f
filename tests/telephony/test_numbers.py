# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""All forms of a number are one number, and each PBX dials it its own way."""

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from telephony.numbers import DialPlan, NotDialable, Number

GERMANY = DialPlan("DE", area_code="30")
GERMANY_OUTSIDE = DialPlan("DE", area_code="30", outside_prefix="0")
CHINA = DialPlan("CN")
BEIJING = DialPlan(
    "CN",
    area_code="10",
    outside_prefix="9",
    internal_prefix="5",
    long_distance_prefix="0",
)
HANGZHOU = DialPlan("CN", "571", "9", "5", "0")
USA = DialPlan("US", area_code="208", long_distance_prefix="1")
NOWHERE = DialPlan()


# ------------------------------------------------------------
# READING
# ------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        "+49301234567",
        "+49 30 1234567",
        "+49 (0)30 123 45 67",
        "+49-30/123-45-67",
        "0049301234567",
        "0049 (0)30 1234567",
        "0301234567",
        "(030) 1234567",
        "030/123 45 67",
        "030\u20131234567",
        "\u202a+49 30\xa01234567\u202c",
        "1234567",
        "49301234567",
        "301234567",
        "sip:+49301234567@192.0.2.1",
        "sip:+49301234567@192.0.2.1:5060;user=phone",
        "sips:0301234567@pbx.example",
        '"Customer" <sip:%2B49301234567@192.0.2.1>',
        "tel:+49-30-1234567",
        "tel:1234567;phone-context=+4930",
        "tel:+49-30-1234567;phone-context=+4989",
        "tel:+49-30-1234567;ext=12",
        "TEL:030-1234567",
        "<0301234567>",
        "+49 30 1234567 (office)",
        "Büro: 030 1234567",
        "030 1234567 / 0171 1234567",
    ],
)
def test_german_forms(number):
    for plan in (GERMANY, GERMANY_OUTSIDE):
        parsed = plan.parse(number)
        assert (parsed.e164, parsed.national) == ("+49301234567", "0301234567")
        assert parsed.raw == number
        assert not parsed.is_extension
        assert plan.search_keys(number) == ("+49301234567", "76543210394")


@pytest.mark.parametrize(
    ("number", "e164"),
    [
        ("00301234567", "+49301234567"),
        ("000493012345678", "+493012345678"),
        ("01234567", "+49301234567"),
        ("001711234567", "+491711234567"),
        ("000861012345678", "+861012345678"),
    ],
    ids=["national", "international", "local", "mobile", "abroad"],
)
def test_outside_prefix_zero(number, e164):
    """An outside prefix that is also the first digit of an area code."""
    assert GERMANY_OUTSIDE.parse(number).e164 == e164


@pytest.mark.parametrize(
    "number",
    [
        "+861012345678",
        "+86 10 1234 5678",
        "+86 (0)10 12345678",
        "0086 10 1234 5678",
        "01012345678",
        "010-12345678",
        "（０１０）１２３４５６７８",
        "12345678",
        "861012345678",
        "901012345678",
        "912345678",
        "9008610 1234 5678",
        "sip:01012345678@192.0.2.1",
    ],
)
def test_chinese_landline_forms(number):
    assert BEIJING.search_keys(number) == ("+861012345678", "876543210168")
    assert BEIJING.parse(number).national == "01012345678"


@pytest.mark.parametrize(
    "number",
    [
        "+8613957112345",
        "13957112345",
        "139 5711 2345",
        "013957112345",
        "8613957112345",
        "008613957112345",
        "913957112345",
        "9013957112345",
        "１３９５７１１２３４５",
        "tel:+86-139-5711-2345",
    ],
)
def test_chinese_mobile_forms(number):
    for plan in (BEIJING, HANGZHOU):
        parsed = plan.parse(number)
        assert (parsed.e164, parsed.national) == ("+8613957112345", "13957112345")


@pytest.mark.parametrize(
    ("plan", "number", "e164"),
    [
        (CHINA, "0571 1234 5678", "+8657112345678"),
        (CHINA, "19900123456", "+8619900123456"),
        (CHINA, "0110000000000", ""),
        (GERMANY, "tel:1234567;phone-context=+4989", "+49891234567"),
        (GERMANY, "\u202a+861012345678\u202c", "+861012345678"),
        (USA, "49301234567", "+49301234567"),
        (CHINA, "400-800-1234", "+864008001234"),
        (CHINA, "12345678", ""),
        (HANGZHOU, "12345678", "+8657112345678"),
        (GERMANY, "0171 1234567", "+491711234567"),
        (GERMANY, "1711234567", "+491711234567"),
        (GERMANY, "+8613910001234", "+8613910001234"),
        (GERMANY, "0800 1234567", "+498001234567"),
        (DialPlan("DE"), "030 1234567", "+49301234567"),
        (DialPlan("de"), "030 1234567", "+49301234567"),
        (USA, "(208) 555-0123", "+12085550123"),
        (USA, "1-208-555-0123", "+12085550123"),
        (USA, "555-0123", "+12085550123"),
        (USA, "011 49 30 1234567", "+49301234567"),
        (USA, "+1 555-555-5555", "+15555555555"),
        (DialPlan("IT"), "06 1234 5678", "+390612345678"),
        (DialPlan("FR"), "01 23 45 67 89", "+33123456789"),
        (NOWHERE, "+49301234567", "+49301234567"),
        (NOWHERE, "0049301234567", "+49301234567"),
        (NOWHERE, "030 1234567", ""),
        (DialPlan("XX"), "+49301234567", "+49301234567"),
    ],
)
def test_other_numbers(plan, number, e164):
    assert plan.parse(number).e164 == e164


@pytest.mark.parametrize(
    ("plan", "number", "extension"),
    [
        (BEIJING, "1001", "1001"),
        (BEIJING, "51001", "1001"),
        (BEIJING, "5001", "5001"),
        (BEIJING, "5123", "5123"),
        (BEIJING, "801", "801"),
        (GERMANY, "1001", "1001"),
        (DialPlan("DE", extension_length=5), "20012", "20012"),
        (NOWHERE, "1001", "1001"),
    ],
)
def test_extension(plan, number, extension):
    assert plan.parse(number) == Number(number, digits=extension, is_extension=True)
    assert plan.search_keys(number) == ("", extension[::-1])


@pytest.mark.parametrize(
    ("plan", "number"),
    [
        (BEIJING, "110"),
        (BEIJING, "119"),
        (BEIJING, "9110"),
        (GERMANY, "112"),
        (USA, "911"),
        (BEIJING, "10086"),
        (BEIJING, "95588"),
        (BEIJING, "12345"),
        (GERMANY, "0815"),
        (GERMANY, "+1001"),
        (GERMANY, "7"),
    ],
)
def test_no_extension(plan, number):
    parsed = plan.parse(number)
    assert not parsed.is_extension
    assert parsed.e164 == ""


@pytest.mark.parametrize(
    ("number", "keys"),
    [
        ("", ("", "")),
        (None, ("", "")),
        (False, ("", "")),
        ("anonymous", ("", "")),
        ("sip:anonymous@anonymous.invalid", ("", "")),
        ("112", ("", "211")),
        ("+999 123456789", ("", "987654321999")),
        ("0" * 30, ("", "0" * 30)),
        ("+49 30 1234567 ext. 5", ("+49301234567", "76543210394")),
    ],
)
def test_search_keys(number, keys):
    assert GERMANY.search_keys(number) == keys


def test_part_of_a_number_begins_its_digits():
    """What the address book has without country and area is found from behind."""
    whole = BEIJING.search_keys("+861012345678")[1]
    for number in ("12345678", "010 12345678", "10 12345678"):
        assert whole.startswith(NOWHERE.search_keys(number)[1])


def test_plan_is_hashable():
    assert len({GERMANY, DialPlan("DE", area_code="30"), BEIJING}) == 2


PLANS = st.sampled_from([GERMANY, GERMANY_OUTSIDE, CHINA, BEIJING, USA, NOWHERE])


@given(PLANS, st.text() | st.from_regex(r"[+\d()*#/ .-]{0,25}", fullmatch=True))
def test_any_text(plan, text):
    """Whatever a caller sends: kept as it came, found again, dialled or refused."""
    parsed = plan.parse(text)
    assert parsed.raw == text.strip()
    e164, backwards = plan.search_keys(text)
    assert e164 == parsed.e164
    assert backwards.isdecimal() or not backwards
    if e164:
        assert plan.search_keys(e164) == (e164, backwards)
    try:
        dialled = plan.dial_string(text)
    except NotDialable:
        return
    assert set(dialled) <= set("0123456789+*#")


def valid_numbers(region, *kinds):
    """Return a strategy of the valid numbers of a country near its examples."""
    examples = [
        phonenumbers.national_significant_number(
            phonenumbers.example_number_for_type(region, kind)
        )
        for kind in kinds
    ]
    code = phonenumbers.country_code_for_region(region)
    return st.builds(
        lambda start, rest: f"+{code}{start[: -len(rest)]}{rest}",
        st.sampled_from(examples),
        st.text("0123456789", min_size=5, max_size=5),
    ).filter(lambda number: phonenumbers.is_valid_number(phonenumbers.parse(number)))


FIXED, MOBILE = (
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
)


@given(
    st.sampled_from([GERMANY, GERMANY_OUTSIDE, CHINA, BEIJING, HANGZHOU]),
    valid_numbers("DE", FIXED, MOBILE) | valid_numbers("CN", FIXED, MOBILE),
)
def test_all_forms_of_a_number(plan, e164):
    """Plus, 00, national, behind the outside prefix, as dialled: one number."""
    national = plan.parse(e164).national
    abroad = f"00{e164[1:]}"
    forms = [e164, f"tel:{e164}", f"sip:{e164}@192.0.2.1", plan.outside_prefix + abroad]
    if plan.outside_prefix != "0":  # else 00 is an outside line and an area code
        forms.append(abroad)
    if phonenumbers.parse(e164).country_code == plan._country_code:
        forms += [national, plan.outside_prefix + national]
    forms.append(plan.dial_string(e164))
    assert {plan.search_keys(form) for form in forms} == {plan.search_keys(e164)}


# ------------------------------------------------------------
# DIALLING
# ------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "number", "dialled"),
    [
        # own area, other area, own and other city's mobile, freephone
        (BEIJING, "+861012345678", "912345678"),
        (BEIJING, "010 1234 5678", "912345678"),
        (BEIJING, "+8657112345678", "9057112345678"),
        (BEIJING, "13910001234", "913910001234"),
        (BEIJING, "13957112345", "9013957112345"),
        (BEIJING, "013957112345", "9013957112345"),
        (BEIJING, "１３９５７１１２３４５", "9013957112345"),
        (BEIJING, "400-800-1234", "94008001234"),
        (BEIJING, "+8613000071234", "913000071234"),  # whose city is not known
        (DialPlan("CN", "28", "9", "5", "0"), "13880001234", "913880001234"),
        (HANGZHOU, "13910001234", "9013910001234"),
        (HANGZHOU, "13957112345", "913957112345"),
        (HANGZHOU, "+861012345678", "901012345678"),
        # without an own area the PBX cannot know
        (DialPlan("CN", "", "9", "5", "0"), "13957112345", "913957112345"),
        (DialPlan("CN", "", "9", "5", "0"), "+861012345678", "901012345678"),
        # abroad, services, extensions, codes
        (BEIJING, "+49 (0)30 1234567", "90049301234567"),
        (BEIJING, "10086", "910086"),
        (BEIJING, "95588", "995588"),
        (BEIJING, "110", "9110"),
        (BEIJING, "9110", "9110"),
        (BEIJING, "1001", "51001"),
        (BEIJING, "51001", "51001"),
        (BEIJING, "*97", "*97"),
        (BEIJING, "#31#", "#31#"),
        # as usually written in the country
        (CHINA, "+861012345678", "01012345678"),
        (CHINA, "+8613957112345", "13957112345"),
        (GERMANY, "+49301234567", "0301234567"),
        (GERMANY, "1234567", "0301234567"),
        (GERMANY, "+49 171 1234567", "01711234567"),
        (GERMANY, "+8613910001234", "008613910001234"),
        (GERMANY, "1001", "1001"),
        (GERMANY, "112", "112"),
        (GERMANY_OUTSIDE, "+49301234567", "00301234567"),
        (GERMANY_OUTSIDE, "112", "0112"),
        (DialPlan("DE", "30", "", "", "0"), "+49301234567", "1234567"),
        (DialPlan("DE", "30", "", "", "0"), "+498912345678", "08912345678"),
        (DialPlan("DE", "30", "", "", "0"), "+491711234567", "01711234567"),
        (USA, "+12085550123", "5550123"),
        (USA, "+13015550123", "13015550123"),
        (USA, "+49301234567", "01149301234567"),
        (DialPlan("US"), "+13015550123", "3015550123"),
        (DialPlan("RU"), "+49301234567", "81049301234567"),
        # no country, no way to dial abroad known
        (NOWHERE, "+49301234567", "+49301234567"),
        (DialPlan("SG"), "+49301234567", "+49301234567"),
        (NOWHERE, "0301234567", "0301234567"),
    ],
)
def test_dial_string(plan, number, dialled):
    assert plan.dial_string(number) == dialled


@pytest.mark.parametrize(
    "number",
    [
        "",
        None,
        " ",
        "+",
        "abc",
        "1-800-FLOWERS",
        "030 1234567 (office)",
        "1001&PJSIP/1002",
        "1001,1,Hangup",
        "1001\r\nAction: Originate",
        "0301234567;ext=1",
        "0301234567@from-internal",
        "${EXTEN}",
        "03012+34567",
        "1" * 41,
        "\u0660\u0661\u0662",
        "1001\N{ZERO WIDTH SPACE}x",
    ],
)
def test_not_dialable(number):
    with pytest.raises(NotDialable):
        GERMANY.dial_string(number)


@given(PLANS, st.text(min_size=1), st.text("0123456789", min_size=3, max_size=15))
def test_nothing_else_is_dialled(plan, text, digits):
    """No text beside digits gets through to the dialplan."""
    assume(any(character.isalpha() or character in "&,;@$%=!" for character in text))
    for hostile in (digits + text, text + digits):
        try:
            dialled = plan.dial_string(hostile)
        except NotDialable:
            continue
        assert set(dialled) <= set("0123456789+*#")
