"""The pages of the service. A new page is a controller in this list, a template and a section of words."""

from litestar import Controller

from app.pages.asset_files import AssetController
from app.pages.code import CodePage
from app.pages.sign_in import SignInPage
from app.pages.sign_out import SignOutPage

PAGES: tuple[type[Controller], ...] = (
    SignInPage,
    CodePage,
    SignOutPage,
    AssetController,
)
