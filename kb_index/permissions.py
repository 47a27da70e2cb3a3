"""Who may read, write and publish what in the knowledge base."""

from foundation.authorization import AccessRule, Action, Rules, anybody, staff, users_or_staff


class ArticleAction(Action):
    """The actions of this room."""

    SEARCH = "article.search"
    READ_HELP = "help.read"
    LIST = "article.list"
    READ = "article.read"
    PREVIEW = "article.preview"
    CREATE = "article.create"
    UPDATE = "article.update"
    ASK_FOR_REVIEW = "article.ask_for_review"
    PUBLISH = "article.publish"
    UNPUBLISH = "article.unpublish"
    ARCHIVE = "article.archive"
    IMPORT = "article.import"
    EXPORT = "article.export"
    ADD_PICTURE = "picture.add"
    READ_PICTURE = "picture.read"
    READ_QUESTIONS = "known_question.read"
    CHANGE_QUESTIONS = "known_question.change"
    READ_IN_VAIN = "question_in_vain.read"
    SETTLE_IN_VAIN = "question_in_vain.settle"


_ANYBODY, _STAFF, _EDITOR = AccessRule(anybody()), AccessRule(staff()), AccessRule(staff("editor"))
RULES: Rules = {
    # What is found depends on who asks: users find what is for users.
    ArticleAction.SEARCH: AccessRule(users_or_staff()),
    ArticleAction.READ_HELP: _ANYBODY,
    ArticleAction.READ_PICTURE: _ANYBODY,
    ArticleAction.LIST: _STAFF,
    ArticleAction.READ: _STAFF,
    ArticleAction.PREVIEW: _STAFF,
    ArticleAction.EXPORT: _STAFF,
    ArticleAction.READ_QUESTIONS: _STAFF,
    ArticleAction.READ_IN_VAIN: _STAFF,
    ArticleAction.CREATE: _EDITOR,
    ArticleAction.UPDATE: _EDITOR,
    ArticleAction.ASK_FOR_REVIEW: _EDITOR,
    ArticleAction.PUBLISH: _EDITOR,
    ArticleAction.UNPUBLISH: _EDITOR,
    ArticleAction.ARCHIVE: _EDITOR,
    ArticleAction.IMPORT: _EDITOR,
    ArticleAction.ADD_PICTURE: _EDITOR,
    ArticleAction.CHANGE_QUESTIONS: _EDITOR,
    ArticleAction.SETTLE_IN_VAIN: _EDITOR,
}
