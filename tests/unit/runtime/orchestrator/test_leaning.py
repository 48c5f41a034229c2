"""Whether a message stands for itself or leans on what was said: the tables that the rule is held to."""

import pytest

from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.leaning import Leaning, leaning

ENGLISH_FOLLOW_UPS = """
and on Windows?
and with MinIO?
and how do I undo that?
How do I undo it?
what about refunds?
How much does it cost?
Why?
how so?
And for teams?
Does it work offline?
Can I change them later?
which one is cheaper?
How long does that take?
for how long?
What if that fails?
Is it free?
Can I do this from the app?
Where do I find it?
also for Android?
on Linux?
with two users?
What does it include?
And the second one?
Is there another way?
Can they see my messages?
so how do I turn it off?
or by mail?
How do I get those?
then what?
What happens after that?
when will they be deleted?
the same for groups?
Who can see it?
But it says error 42
more details please
can you explain that?
do these expire?
How often?
and in Germany?
the annual plan?
Where is it stored?
do I need to restart it?
I did that, and now it is gone
"""
ENGLISH_STANDING = """
Is there a trade-in?
Which effects are there?
Which voice assistants are supported?
Is store pickup free?
Do I get credit for an old lamp?
What does express shipping cost?
How do I change the port?
How can I pay?
When is the workshop open?
Do you buy used bikes?
How do I make a backup?
What payment methods do you accept?
Is it possible to export my data as CSV?
How long does it take to ship to Norway?
My hub is offline, how do I reset it?
I bought a lamp and it does not turn on
If I lose my key, what do I do?
Where can I find my invoices?
How do I rotate an API key?
Can I invite people from other companies?
What happens when my trial ends?
How do I delete my account?
Does the app run on Android?
I cannot log in to the dashboard
Please send me the price list for schools
How many users can a workspace have?
Do you offer a discount for students?
Which browsers do you support?
Who do I contact about a broken parcel?
Why is my export empty?
How do I set up goals for button clicks?
What is the difference between the plans?
Where does the backup command write the archive?
Is there an API for reports?
I want to cancel my subscription
My invoice shows the wrong address
How do I connect Slack?
Can a guest see private channels?
What are your opening hours?
Does the warranty cover water damage?
Are helmets part of the price?
"""
GERMAN_FOLLOW_UPS = """
und unter Windows?
und mit MinIO?
Wie mache ich das rückgängig?
Wie kann ich es löschen?
Was kostet das?
Warum?
Und für Teams?
Geht das auch offline?
Wo finde ich es?
Wie lange dauert das?
was ist mit Rückgaben?
Kann ich das später ändern?
Seit wann?
Und bei Android?
auf Linux?
Was ist darin enthalten?
Wie schalte ich ihn aus?
Wer kann das sehen?
oder per Post?
Wie oft?
Brauche ich dafür ein Konto?
Was passiert danach?
Wie lange gilt diese?
Kann ich damit auch exportieren?
und die zweite?
und im Ausland?
Ist das kostenlos?
dasselbe für Gruppen?
Was bedeutet das?
wie geht das?
Muss ich dafür bezahlen?
Was wenn das fehlschlägt?
Wozu dient es?
Wann läuft dieser ab?
stattdessen Rechnung?
der zweite Plan?
Wie komme ich dorthin zurück?
Können sie dort auch schreiben?
Und wie lange?
Wie richte ich es ein?
Werden diese gelöscht?
"""
GERMAN_STANDING = """
Gibt es einen Rabatt für Studenten?
Wie lade ich das Gerät auf?
Wie kann ich bezahlen?
Wann hat die Werkstatt geöffnet?
Kaufen Sie gebrauchte Räder?
Wie ändere ich den Port?
Wie erstelle ich eine Sicherung?
Welche Zahlungsarten gibt es?
Ist es möglich, Daten zu exportieren?
Wie setze ich das Passwort zurück?
Wie lösche ich mein Konto?
Was kostet der Expressversand?
Wo finde ich meine Rechnungen?
Ist die Abholung im Laden kostenlos?
Kann ich Gäste einladen?
Läuft die App auf Android?
Wie verbinde ich Slack?
Wie viele Benutzer sind erlaubt?
Ich kann mich nicht anmelden
Mein Paket ist beschädigt
Welche Browser werden unterstützt?
Wie lange ist die Garantie auf das Rad?
Wie kündige ich mein Abonnement?
Wohin schreibt der Befehl das Archiv?
Kann ich das neue Modell testen?
Gibt es eine Schnittstelle für Berichte?
Warum ist mein Export leer?
Was passiert am Ende der Testphase?
Wer hilft bei einem kaputten Paket?
Welche Sprachassistenten werden unterstützt?
Sind Helme im Preis enthalten?
Wie erneuere ich einen Schlüssel?
Welche Effekte kann die Lampe?
Wie stelle ich die Sprache um?
Wie buche ich eine Probefahrt?
Bieten Sie Leasing an?
Wie viel Speicher hat der kleine Plan?
Ich möchte mein Abonnement kündigen
Meine Rechnung zeigt die falsche Adresse
Wie hoch sind die Versandkosten nach Norwegen?
Was ist der Unterschied zwischen den Plänen?
"""

DOUBTFUL = [
    ("and a clause", "en", "And how can I pay?"),
    ("what an earlier clause names", "en", "My hub is offline, how do I reset it?"),
    ("what the clause names before", "en", "Where does the backup command write its archive?"),
    ("another one", "en", "Are there other countries that you ship to?"),
    ("and a clause", "de", "Und wie kann ich bezahlen?"),
    ("what an earlier clause names", "de", "Mein Hub ist aus, wie setze ich ihn zurück?"),
]


def rows(text: str) -> list[str]:
    return text.strip().splitlines()


LEANS = [("en", each) for each in rows(ENGLISH_FOLLOW_UPS)] + [("de", each) for each in rows(GERMAN_FOLLOW_UPS)]
STANDS = [("en", each) for each in rows(ENGLISH_STANDING)] + [("de", each) for each in rows(GERMAN_STANDING)]


@pytest.mark.parametrize(("spoken", "message"), LEANS, ids=[row[1] for row in LEANS])
def test_a_follow_up_leans(spoken: str, message: str) -> None:
    assert leaning(message, spoken_language(spoken)) in (Leaning.LEANS, Leaning.ADDS)


@pytest.mark.parametrize(("spoken", "message"), STANDS, ids=[row[1] for row in STANDS])
def test_a_question_that_names_its_subject_is_never_read_with_another_one(spoken: str, message: str) -> None:
    """In doubt it is asked alone first."""
    assert leaning(message, spoken_language(spoken)) in (Leaning.STANDS, Leaning.DOUBTFUL)


@pytest.mark.parametrize(("why", "spoken", "message"), DOUBTFUL, ids=[row[2] for row in DOUBTFUL])
def test_a_message_with_a_mark_and_a_subject_is_doubtful(why: str, spoken: str, message: str) -> None:
    assert leaning(message, spoken_language(spoken)) is Leaning.DOUBTFUL, why


ADDS = [("en", "and on Windows?"), ("en", "what about refunds?"), ("en", "with MinIO?"), ("de", "und unter Windows?")]


@pytest.mark.parametrize(("spoken", "message"), ADDS, ids=[row[1] for row in ADDS])
def test_a_fragment_adds_what_it_names(spoken: str, message: str) -> None:
    assert leaning(message, spoken_language(spoken)) is Leaning.ADDS


def test_a_long_message_stands_whatever_it_holds() -> None:
    message = "And when my invoice of March shows the wrong address, how can accounting change it?"
    assert leaning(message, spoken_language("en")) is Leaning.STANDS
