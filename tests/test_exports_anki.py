"""Anki decks, read back by Anki itself (the package `anki`): imported into an empty collection."""

from __future__ import annotations

import dataclasses
import unicodedata
from pathlib import Path

import pytest
from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from helpers.course import LESSONS
from helpers.publish.exports import anki, choose
from helpers.publish.exports.markup import as_html, body, cleaned
from helpers.publish.exports.pictures import picture_of
from helpers.publish.exports.presented import present
from helpers.quiz import NEEDS, Question
from helpers.quiz.instances import build
from tests import nasty_texts
from tests.html_reader import tags_of, text_of
from tests.quiz_examples import OF_EACH_TYPE

ALL = [*choose(seed=3, needs=NEEDS), *(build(entry, 3) for entry in OF_EACH_TYPE)]
SIGNS = {True: "✓", False: "✗", None: "•"}
BEFORE, LATER = 1_700_000_000.0, 1_700_000_100.0


class Learner:
    """Somebody with an Anki of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.collection = Collection(str(folder / "collection.anki2"))

    def take(self, content):
        """Imports a deck as Anki does when it is double-clicked; returns how many notes were new, changed, the same."""
        path = self.folder / "deck.apkg"
        path.write_bytes(content)
        request = ImportAnkiPackageRequest(package_path=str(path), options=ImportAnkiPackageOptions())
        log = self.collection.import_anki_package(request).log
        return len(log.new), len(log.updated), len(log.duplicate)

    def study(self):
        """Answers the first card that is due; returns its id."""
        decks = self.collection.decks
        decks.select(next(each.id for each in decks.all_names_and_ids() if "::" in each.name))
        card = self.collection.sched.getCard()
        self.collection.sched.answerCard(card, 3)
        return card.id

    @property
    def media(self):
        """The folder with the pictures."""
        return Path(self.collection.media.dir())

    def notes(self):
        """All notes by the id of their question."""
        notes = [self.collection.get_note(each) for each in self.collection.find_notes("")]
        return {note["Id"]: note for note in notes}


@pytest.fixture
def learner(tmp_path):
    somebody = Learner(tmp_path)
    yield somebody
    somebody.collection.close()


def test_every_question_becomes_a_card_in_the_deck_of_its_lesson(learner):
    assert learner.take(anki.package(ALL, timestamp=BEFORE)) == (len(ALL), 0, 0)
    notes = learner.notes()
    assert notes.keys() == {question.id for question in ALL}
    for question in ALL:
        note, shown = notes[question.id], present(question)
        (card,) = note.cards()
        lesson = LESSONS[question.lesson].name
        assert learner.collection.decks.name(card.did) == f"Where did the gradient go?::{lesson}"
        assert note.tags == [f"lesson-{question.lesson}"]
        assert text_of(note["Question"]) == text_of(body(question, hint=shown.hint))
        assert [tag for tag, _ in tags_of(note["Options"])].count("li") == len(shown.options)
        front, back = card.question(), card.answer()
        assert text_of(as_html(question.text)) in text_of(front)
        assert text_of(shown.solved()) in text_of(back) and shown.solved() not in front
        assert all(text_of(as_html(remark.feedback)) in text_of(back) for remark in shown.remarks)


def test_a_second_import_changes_what_has_changed_and_doubles_nothing(learner):
    first = list(ALL[:5])
    learner.take(anki.package(first, timestamp=BEFORE))
    studied = learner.study()
    assert learner.take(anki.package(first, timestamp=BEFORE)) == (0, 0, 5)
    changed = [dataclasses.replace(first[0], text="Asked in other words?"), *first[1:]]
    assert learner.take(anki.package([*changed, ALL[5]], timestamp=LATER))[0] == 1
    notes = learner.notes()
    assert len(notes) == 6 == learner.collection.card_count()
    assert learner.collection.get_card(studied).reps == 1
    assert notes[first[0].id]["Question"] == "<p>Asked in other words?</p>"


def test_pictures_come_along_as_media(learner):
    pictured = [question for question in ALL if question.type == "profile"]
    learner.take(anki.package(pictured, timestamp=BEFORE))
    notes = learner.notes()
    for question in pictured:
        picture = picture_of(question)
        (image,) = [attributes for tag, attributes in tags_of(notes[question.id]["Question"]) if tag == "img"]
        assert image["src"] == picture.name and image["alt"] == picture.words
        assert (learner.media / picture.name).read_text(encoding="utf-8") == picture.svg
    assert len(list(learner.media.iterdir())) == len(pictured)


def test_the_same_questions_at_the_same_time_give_the_same_bytes():
    assert anki.package(ALL, BEFORE) == anki.package(ALL, BEFORE) != anki.package(ALL, LATER)


def test_names_by_which_anki_knows_things_again_stay():
    """Written down: decks that learners have would double if these changed."""
    assert anki.stable_id("question") == 5392890
    assert anki.guid(Question("03-forgets", "multiple_choice", "?", ())) == "J[CHyvR!%U"
    ids = [anki.stable_id(lesson.name) for lesson in LESSONS.values()]
    assert len(set(ids)) == len(ids) and all(0 < each < 2**31 for each in ids)
    assert len({anki.guid(question) for question in ALL}) == len(ALL)


@settings(max_examples=5, phases=[Phase.generate])  # making a failure smaller would take minutes
@given(st.lists(nasty_texts.questions, min_size=20, max_size=20))
def test_any_text_comes_back_intact(tmp_path_factory, nasty):
    questions = [dataclasses.replace(each, id=f"07-nasty-{place}") for place, each in enumerate(nasty)]
    learner = Learner(tmp_path_factory.mktemp("anki"))
    try:
        assert learner.take(anki.package(questions, timestamp=BEFORE))[0] == len(questions)
        notes = learner.notes()
        for question in questions:
            note, shown = notes[question.id], present(question)
            assert text_of(note["Question"]).startswith(normal(question.text))
            assert text_of(note["Options"]) == normal("".join(shown.options))
            remarks = "".join(f"{SIGNS[r.right]} {r.label} – {r.feedback}" for r in shown.remarks)
            assert text_of(note["Feedback"]) == normal(remarks)
            assert text_of(note["Answer"]) == normal(shown.solution + shown.explanation)
            tags = {tag for tag, _ in tags_of(note.joined_fields())}
            assert tags <= {"p", "br", "em", "pre", "code", "ol", "ul", "li", "b"}
            (card,) = note.cards()
            assert normal(question.text) in text_of(card.question())
    finally:
        learner.collection.close()


def normal(text):
    """The text as Anki stores it: letters and accents composed."""
    return unicodedata.normalize("NFC", cleaned(text))
