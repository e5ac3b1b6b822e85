"""The pages of the service. A new page is a controller in this list, a template and a section of words."""

from litestar import Controller

from app.pages.api_reference import ApiReferencePage
from app.pages.asset_files import AssetController
from app.pages.code import CodePage
from app.pages.denied import DeniedPage
from app.pages.onboarding import OnboardingPage
from app.pages.redeem import RedeemPage
from app.pages.reset import ResetPage
from app.pages.sign_in import SignInPage
from app.pages.sign_out import SignOutPage
from app.pages.sign_up import SignUpPage
from app.pages.start import StartPage

PAGES: tuple[type[Controller], ...] = (
    StartPage,
    SignInPage,
    SignUpPage,
    CodePage,
    RedeemPage,
    ResetPage,
    OnboardingPage,
    DeniedPage,
    ApiReferencePage,
    SignOutPage,
    AssetController,
)
