"""The pages of the service. A new page is a controller in this list, a template and a section of words."""

from litestar import Controller

from app.pages.account import AccountPage
from app.pages.account_address import AccountAddressPage
from app.pages.account_delete import AccountDeletePage
from app.pages.account_profile import AccountProfilePage
from app.pages.account_secret import AccountSecretPage
from app.pages.admin.audit import AdminAuditPage
from app.pages.admin.jobs import AdminJobsPage
from app.pages.admin.languages import AdminLanguagesPage
from app.pages.admin.members import AdminMembersPage
from app.pages.admin.policy import AdminPolicyPage
from app.pages.admin.start import AdminStartPage
from app.pages.admin.translations import AdminTranslationsPage
from app.pages.admin.user import AdminUserPage
from app.pages.admin.users import AdminUsersPage
from app.pages.api_reference import ApiReferencePage
from app.pages.asset_files import AssetController
from app.pages.code import CodePage
from app.pages.confirm import ConfirmPage
from app.pages.denied import DeniedPage
from app.pages.not_me import NotMePage
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
    AccountPage,
    AccountProfilePage,
    AccountAddressPage,
    AccountSecretPage,
    AccountDeletePage,
    AdminStartPage,
    AdminUsersPage,
    AdminUserPage,
    AdminLanguagesPage,
    AdminMembersPage,
    AdminTranslationsPage,
    AdminPolicyPage,
    AdminAuditPage,
    AdminJobsPage,
    ConfirmPage,
    NotMePage,
    DeniedPage,
    ApiReferencePage,
    SignOutPage,
    AssetController,
)
