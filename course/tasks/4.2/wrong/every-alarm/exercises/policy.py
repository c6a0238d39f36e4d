"""Task 4.2: when to retrain."""


def retrainings(alarms: list[bool], cooldown: int) -> list[int]:
    """Return the days on which a retraining starts, counted from 0.

    It starts on the third day of alarm in a row, and on no day within `cooldown` days after the
    last start: with a cooldown of 7, a start on day 2 allows the next one on day 10.
    """
    return [day for day, alarm in enumerate(alarms) if alarm]
