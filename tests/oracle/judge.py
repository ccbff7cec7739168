"""Reads signed requests as JSON lines and prints what Twilio's Python library says of each: true or false."""

import json
import sys

from twilio.request_validator import RequestValidator


class Fields:
    """A form's fields, of which a name may repeat, as web frameworks hand them over."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __iter__(self):
        return (name for name, _ in self.pairs)

    def __len__(self):
        return len(self.pairs)

    def getall(self, wanted):
        return [value for name, value in self.pairs if name == wanted]


def judge(request):
    params = Fields(request["fields"]) if request["body"] is None else request["body"]
    try:
        return bool(RequestValidator(request["token"]).validate(request["url"], params, request["signature"]))
    except (TypeError, ValueError):
        # The library stops with an error at a body without a hash; its user answers with a refusal.
        return False


sys.stdin.reconfigure(encoding="utf-8", newline="\n")
for line in sys.stdin:
    print(json.dumps(judge(json.loads(line))))
