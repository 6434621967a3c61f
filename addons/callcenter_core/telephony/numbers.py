# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Telephone numbers: how a PBX sends them, how they are compared, how it dials them.

Numbers are compared in their international form (ITU-T E.164: ``+`` and at most 15
digits), which :mod:`phonenumbers` knows for all countries. A PBX, however, sends and
expects what its trunk and its dialplan are used to: national forms, forms without area
code, digits in front for an outside line. :class:`DialPlan` has these rules.
"""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumberFormat,
    PhoneNumberMatcher,
    PhoneNumberType,
    ValidationResult,
)
from phonenumbers.shortnumberinfo import (
    is_emergency_number,
    is_valid_short_number_for_region,
)

#: Longest digit string that is sent to a PBX; Asterisk's own limit is 79.
LONGEST = 40
#: How much of a text is looked at for a number.
_LONGEST_TEXT = 200
#: Most digits of a number without its area code, in any country.
_LONGEST_LOCAL = 8

_LETTER = re.compile(r"[^\W\d_]")
_ADDRESS = re.compile(r"<([^<>]*)>")
_URI = re.compile(r"(sips?|tel|callto):", re.IGNORECASE)
#: What people write between digits: spaces, brackets, dots, all kinds of dashes, and
#: the invisible marks that come along when a number is copied from a web page.
_DECORATION = re.compile(
    r"[\s()\[\]/.\-\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)


class NotDialable(ValueError):
    """There is nothing, or something else than a number, to dial."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was read.

    :param raw: as it came, without spaces around it
    :param digits: its digits, without outside or internal prefix if it is an extension
    :param e164: international form, empty if it has none
    :param is_extension: whether it is one of the PBX's own short numbers
    """

    raw: str
    digits: str = ""
    e164: str = ""
    is_extension: bool = False

    @property
    def national(self):
        """Its digits as dialled within its country, empty if ``e164`` is."""
        return _national(phonenumbers.parse(self.e164)) if self.e164 else ""


@dataclass(frozen=True, slots=True)
class DialPlan:
    """The rules of one PBX. Immutable and hashable; made at no cost.

    :param country: ISO code of the PBX's country, such as ``CN``; without one only
        international forms are understood
    :param area_code: the PBX's own area code without prefix (``10``, ``30``); numbers
        without one are then read as of this area
    :param outside_prefix: digits that get an outside line (``9``)
    :param internal_prefix: digits before an extension (``5``)
    :param long_distance_prefix: digits before a number outside the own area (``0``).
        Empty: every number is dialled as it is usually written in the country, area
        code and all. Given: this comes before the area code instead; a number of the
        own area goes without both; and a Chinese mobile of another city gets it, too.
    :param extension_length: most digits that an extension has. Emergency numbers and
        whatever starts with ``+`` or ``0`` are never extensions.
    """

    country: str = ""
    area_code: str = ""
    outside_prefix: str = ""
    internal_prefix: str = ""
    long_distance_prefix: str = ""
    extension_length: int = 4

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    def parse(self, number):
        """Return the :class:`Number` that a text means; never raises.

        Understood are international forms (``+49…``, ``0049…``), national ones, local
        ones in the ``area_code``, all these behind the outside prefix, extensions, and
        ``sip:`` and ``tel:`` addresses. What is none of them keeps its text and digits.
        """
        raw = str(number or "").strip()
        text = _bare(raw[:_LONGEST_TEXT])
        digits = phonenumbers.normalize_digits_only(text)
        if not digits:
            return Number(raw)
        international = _DECORATION.sub("", text).startswith("+")
        if not international:
            extension = self._extension(text, digits)
            if extension:
                return Number(raw, digits=extension, is_extension=True)
        found = self._find(text, digits, international)
        if found is None:
            return Number(raw, digits=digits)
        return Number(raw, digits=digits, e164=_international(found))

    def search_keys(self, number):
        """Return the forms of a number under which it is stored and looked up.

        :return: its E.164 form or an empty string; and its digits backwards, so that
            a shorter form of a number is the beginning of a longer one's. Country and
            area code are among these digits as far as they are known, prefixes never.
        """
        parsed = self.parse(number)
        if parsed.e164:
            return parsed.e164, parsed.e164[:0:-1]
        digits = parsed.digits
        if not parsed.is_extension:
            digits = digits.lstrip("0") or digits
        return "", digits[::-1]

    def _extension(self, text, digits):
        """Return the extension that was dialled, empty if it is none."""
        if _LETTER.search(text):
            return ""
        if self._emergency(digits):
            return ""
        for prefix in ("", self.internal_prefix):
            rest = digits.removeprefix(prefix)
            if (
                digits.startswith(prefix)
                and 1 < len(rest) <= self.extension_length
                and not rest.startswith("0")
            ):
                return rest
        return ""

    def _emergency(self, digits):
        """Return the emergency number that was dialled, empty if it is none."""
        if self._region and len(digits) < 8:
            for number in (digits, digits.removeprefix(self.outside_prefix)):
                if is_emergency_number(number, self._region):
                    return number
        return ""

    @property
    def _region(self):
        """The country, if phonenumbers knows it."""
        country = (self.country or "").upper()
        return country if country in phonenumbers.SUPPORTED_REGIONS else None

    @property
    def _country_code(self):
        return phonenumbers.country_code_for_region(self._region or "ZZ")

    @property
    def _trunk_prefix(self):
        """What is usually dialled before an area code in the country."""
        region = self._region
        return (region and phonenumbers.ndd_prefix_for_region(region, True)) or ""

    def _find(self, text, digits, international):
        """Return the phonenumbers object for a text, None if there is none."""
        if not _LETTER.search(text):
            readings = [(f"+{digits}", True)]
            if not international:
                readings = list(self._readings(digits))
            found = self._first(readings)
            if found:
                return found
        # "030 123456 (office)", "030 123456 / 0171 1234567": the first one in it
        match = next(iter(PhoneNumberMatcher(text, self._region)), None)
        return match.number if match else None

    def _first(self, readings):
        """Return the first number that is valid, else the first that may be one.

        :param readings: pairs of a text and whether its prefix leaves no doubt; such a
            number need only have the right length, as phonenumbers learns of new
            ranges late
        """
        parsed = []
        for text, is_explicit in readings:
            try:
                found = phonenumbers.parse(text, self._region)
            except NumberParseException:
                continue
            if phonenumbers.is_valid_number(found):
                return found
            if is_explicit:
                parsed.append(found)
        return next(filter(_is_plausible, parsed), None)

    def _readings(self, digits):
        """Yield what digits may mean, the likeliest first, as :meth:`_first` wants."""
        rest = ""
        if self.outside_prefix and digits.startswith(self.outside_prefix):
            rest = digits.removeprefix(self.outside_prefix)
        if rest.startswith(("00", self._trunk_prefix or "00")):
            # Hardly any number begins like that, unless the prefix was dialled. Where
            # it is 0, 00 may also be the way abroad: surely so before our own country.
            if not digits.startswith(f"00{self._country_code}"):
                yield rest, False
        yield from self._plain_readings(digits)
        if rest:
            yield from self._plain_readings(rest)
        if len(digits) > 9:
            # International, and the trunk left the plus out.
            yield f"+{digits}", False

    def _plain_readings(self, digits):
        trunk = self._trunk_prefix
        if digits.startswith("00"):
            yield f"+{digits[2:]}", True
        elif trunk and digits.startswith(trunk):
            yield digits, True
        else:
            if (
                self.area_code
                and len(digits) <= _LONGEST_LOCAL
                and not self._is_service(digits)
            ):
                yield f"{trunk}{self.area_code}{digits}", False
            yield digits, False

    def _is_service(self, digits):
        """Whether it is a number such as 10086, the same in every area."""
        if len(digits) > 6 or not self._region:
            return False
        short = phonenumbers.PhoneNumber(
            country_code=self._country_code, national_number=int(digits)
        )
        return is_valid_short_number_for_region(short, self._region)

    # ------------------------------------------------------------
    # DIALLING
    # ------------------------------------------------------------

    def dial_string(self, number):
        """Return what the PBX has to dial for a number.

        The outside prefix is added to all but extensions and codes with ``*`` or ``#``
        (which are sent as they are), also to services and emergency numbers.

        :return: digits, ``*`` and ``#``; with ``+`` in front only where the way to dial
            abroad is not known
        :raises NotDialable: empty, too long, or anything else than a number
        """
        text = _bare(str(number or "").strip())
        plain = _DECORATION.sub("", text)
        if not re.fullmatch(r"\+?[0-9*#]+", plain) or len(plain) > LONGEST:
            raise NotDialable(f"not a number that can be dialled: {text[:LONGEST]!r}")
        if "*" in plain or "#" in plain:
            return plain
        parsed = self.parse(text)
        if parsed.is_extension:
            return self.internal_prefix + parsed.digits
        if not parsed.e164:
            return self.outside_prefix + (self._emergency(plain) or plain)
        found = phonenumbers.parse(parsed.e164)
        if found.country_code == self._country_code:
            return self.outside_prefix + self._domestic(found)
        return self.outside_prefix + self._abroad(found)

    def prepare(self):
        """Load what :meth:`dial_string` may need, so that the first call need not wait.

        That is the table of cities: some 100 MB, for a PBX in China that has an area
        code and a long-distance prefix, and nothing for all others.
        """
        if self._region == "CN" and self.area_code and self.long_distance_prefix:
            _geocoder()

    def _domestic(self, found):
        """Return how to dial a number of the own country."""
        usual = _national(found)
        if not self.long_distance_prefix:
            return usual
        significant = phonenumbers.national_significant_number(found)
        if self.area_code and significant.startswith(self.area_code):
            return significant[len(self.area_code) :]
        # Some countries never write the prefix. Where it is written, a number without
        # it takes none: Chinese mobiles and 400 numbers.
        if usual == significant and self._writes_trunk_prefix():
            if not self._is_mobile_elsewhere(found):
                return significant
        return self.long_distance_prefix + significant

    def _writes_trunk_prefix(self):
        example = phonenumbers.example_number(self._region)
        return _national(example) != phonenumbers.national_significant_number(example)

    def _is_mobile_elsewhere(self, found):
        """Whether a mobile belongs to another city, where such a thing is known."""
        if not (
            self.area_code
            and phonenumbers.number_type(found) == PhoneNumberType.MOBILE
            and phonenumbers.is_number_geographical(found)
        ):
            return False
        area = phonenumbers.PhoneNumber(
            country_code=found.country_code,
            national_number=int(self.area_code.ljust(10, "0")),
        )
        home, cities = _cities(area), _cities(found)
        return bool(home and cities) and home.isdisjoint(cities)

    def _abroad(self, found):
        """Return how to dial a number of another country."""
        international = _international(found)
        if not self._region:
            return international
        metadata = PhoneMetadata.metadata_for_region(self._region)
        for prefix in (
            metadata.preferred_international_prefix,
            metadata.international_prefix,
        ):
            # A tilde in the former stands for waiting, the latter is a pattern where
            # there are several carriers; what is plain digits can be dialled.
            if prefix and prefix.isdecimal():
                return prefix + international[1:]
        return international


def _is_plausible(found):
    """Whether a number that is not valid may become so, and reads the same again."""
    reason = phonenumbers.is_possible_number_with_reason(found)
    return (
        reason == ValidationResult.IS_POSSIBLE
        and not found.italian_leading_zero  # too short to be without its prefix
        and phonenumbers.parse(_international(found)) == found
    )


def _geocoder():
    """Return the module that knows cities; see :meth:`DialPlan.prepare`."""
    from phonenumbers import geocoder

    return geocoder


def _cities(found):
    """Return the cities that a number belongs to, none if they are not known."""
    geocoder = _geocoder()
    place = geocoder.description_for_valid_number(found, "en")
    if place == geocoder.country_name_for_number(found, "en"):
        return frozenset()
    return frozenset(place.partition(",")[0].split("/"))  # Chengdu/Ziyang, Sichuan


def _bare(text):
    """Return the number in a SIP or telephone address, or the text itself."""
    text = unicodedata.normalize("NFKC", text)  # full-width digits, as typed in Chinese
    address = _ADDRESS.search(text)
    if address:
        text = address[1].strip()
    scheme = _URI.match(text)
    if not scheme:
        return text
    text = text[scheme.end() :].lstrip("/")
    user, *parameters = unquote(text.split("@")[0]).split(";")
    for parameter in parameters:
        name, _equals, value = parameter.partition("=")
        if name.lower() == "phone-context" and value.startswith("+"):
            return user if user.startswith("+") else value + user
    return user


def _international(found):
    """Return the E.164 form."""
    return phonenumbers.format_number(found, PhoneNumberFormat.E164)


def _national(found):
    """Return the digits of the usual national form."""
    text = phonenumbers.format_number(found, PhoneNumberFormat.NATIONAL)
    return phonenumbers.normalize_digits_only(text)
