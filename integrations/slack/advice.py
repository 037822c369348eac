"""What a person does about each trouble with Slack; apart, because pages say it and load no client."""

from __future__ import annotations

WHAT_TO_DO = {
    "channel": "Use the channel's id, from the end of its link, and invite the app: /invite @Countersign.",
    "grant": "Install the app again under Install App of its page at Slack, and enter the new bot token.",
    "away": "Look at status.slack.com, and test again in a while. Nothing is lost: what is due is sent then.",
    "limited": "Slack asks for a pause. Nothing is lost: what is due is sent when it is over.",
}
