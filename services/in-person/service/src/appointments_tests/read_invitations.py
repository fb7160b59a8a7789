"""Prints what each iCalendar text of a JSON array on standard input says, by icalendar, as a JSON array.

Each text has to have exactly one event and no error that the reader passes over.
"""

import json
import sys
from datetime import timezone

import icalendar


def read(text):
    calendar = icalendar.Calendar.from_ical(text.encode())
    (event,) = calendar.subcomponents
    assert event.name == "VEVENT" and not event.subcomponents, event
    assert not calendar.errors and not event.errors, calendar.errors + event.errors
    return {
        "method": str(calendar["METHOD"]),
        "uid": str(event["UID"]),
        "sequence": int(event["SEQUENCE"]),
        "status": str(event["STATUS"]),
        "start": instant(event["DTSTART"]),
        "end": instant(event["DTEND"]),
        "location": str(event["LOCATION"]),
        "summary": str(event["SUMMARY"]),
        "time_zone": str(calendar["X-WR-TIMEZONE"]),
    }


def instant(property):
    assert property.dt.tzinfo is not None, "a time without a zone"
    return property.dt.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
