// Made by `make client` from app/words/en.toml. Do not edit.

import { textsOf } from "./texts_of.js";

/** The texts of errors, for the option `texts` of `createOstiary`. */
export default textsOf({
  "duration": {
    "day": "1 day",
    "days": "{count} days",
    "hour": "1 hour",
    "hours": "{count} hours",
    "minute": "1 minute",
    "minutes": "{count} minutes"
  },
  "problem": {
    "malformed_json": "Something went wrong while sending. Please try again.",
    "malformed_request": "This address or request cannot be read. Please try again.",
    "not_signed_in": "Please sign in first.",
    "session_required": "A program cannot do this. Sign in yourself.",
    "session_replaced": "You are still signed in. Please try again.",
    "invalid_credentials": "The email address or the password is not right.",
    "method_disabled": "This way of signing in is not offered here.",
    "forbidden": "You may not do this. If you need it, ask somebody who administers it.",
    "cross_site_request": "This was refused, because it came from another website. Open the service itself and try again.",
    "session_not_kept": "This cannot be done from this page, because your browser keeps no cookies of this service here. Open the service itself and try again.",
    "onboarding_required": "Please complete your profile first.",
    "reauthentication_required": "Please confirm first that it is you.",
    "not_found": "This does not exist, or not any more.",
    "method_not_allowed": "This cannot be done here.",
    "request_timeout": "Sending took too long. Check your connection and try again.",
    "email_taken": "There is an account with this email address already.",
    "language_exists": "This language exists already.",
    "last_admin": "This is the last administrator. Make somebody else an administrator first.",
    "no_invitation": "This person does not wait for an invitation.",
    "primary_key_required": "You need this to sign in, so that it cannot be removed.",
    "signed_in_as_another": "Somebody else is signed in here. Sign out first, or continue as the person whom the link is for.",
    "job_not_retryable": "This task cannot be tried again.",
    "service_account": "This is an account for a program, which cannot have this.",
    "too_many_keys": "This account has as many keys as it may. Revoke one first.",
    "already_member": "This person is a member already.",
    "key_not_usable": "This code or link does not work, or not any more. Ask for a new one.",
    "changes_gone": "These changes do not exist any more. Please load everything again.",
    "version_conflict": "Somebody else has changed this meanwhile. Look at the present version, then save again.",
    "body_too_large": "This is too much at once. Send less.",
    "unsupported_media_type": "Something went wrong while sending. Please try again.",
    "validation_failed": "Please check what you have entered.",
    "precondition_required": "Please load this again before you save.",
    "too_many_requests": "There were too many tries. Wait a while, then try again.",
    "internal_error": "Something went wrong on our side. Please try again later.",
    "temporarily_unavailable": "This does not work right now. Please try again in a moment."
  },
  "field": {
    "ambiguous": "Enter one or the other, not both.",
    "derived_secret": "This is made from your email address, your name or words of this service, such as its own name. Choose another one.",
    "duplicate": "This is there twice.",
    "invalid": "This does not look right. Please check it.",
    "invalid_character": "This contains a character that cannot be used here.",
    "invalid_code": "A code has eight digits.",
    "invalid_cursor": "This page of the list cannot be found. Begin again at the first one.",
    "invalid_email": "This is not an email address.",
    "invalid_language_tag": "This is not a language code, such as de or pt-BR.",
    "invalid_token": "This link is not complete. Copy all of it.",
    "missing": "This is needed.",
    "out_of_range": "This number is too small or too large.",
    "stale": "Somebody else has changed this meanwhile.",
    "too_guessable": "This password is easy to guess. Add a few unusual words.",
    "too_long": "This is too long.",
    "too_short": "This is too short.",
    "unknown_field": "This is not asked for here.",
    "unknown_parameter": "This is not asked for here.",
    "wrong_type": "This does not look right. Please check it."
  },
  "better": {
    "problem.job_not_retryable": {
      "reason_running": "This task is running. Wait until it has ended.",
      "reason_done": "This task is done. There is nothing to try again.",
      "reason_expired": "This task has expired and would come too late. Start again what it was for.",
      "reason_scheduled": "This task runs by itself at its time. There is nothing to try again."
    },
    "problem.key_not_usable": {
      "reason_used": "This link has been used already. Ask for a new one.",
      "reason_expired": "This link has expired. Ask for a new one.",
      "reason_voided": "This link was replaced or taken back. Ask for a new one.",
      "triesLeft": "That code is not right. {triesLeft} tries left. A code works for {lifetime}.",
      "triesLeft_1": "That code is not right. 1 try left. A code works for {lifetime}.",
      "triesLeft_0": "That code is not right, and no tries are left. Ask for a new one."
    },
    "problem.version_conflict": {
      "reason_deleted": "This has been deleted meanwhile. If it is still needed, save it as new.",
      "reason_missing": "This does not exist. If it is needed, save it as new."
    },
    "problem.too_many_requests": {
      "retryAfter": "There were too many tries. Wait {retryAfter}, then try again."
    },
    "field.invalid": {
      "form_phone": "Enter the number with its country code, such as +49 for Germany, and without spaces.",
      "form_locale": "This is not a language code, such as de or pt-BR.",
      "form_key": "Only 1 to 200 letters from A to Z, digits and the characters . _ : / - are possible.",
      "form_time": "This is not a date with a time.",
      "form_name": "A name has at least one visible character, and no control characters."
    },
    "field.missing": {
      "form_flow": "Ask for a new code in this browser, and enter it here."
    },
    "field.out_of_range": {
      "min": "This must be at least {min}.",
      "max": "This must be at most {max}."
    },
    "field.stale": {
      "reason_deleted": "This has been deleted meanwhile.",
      "reason_missing": "This does not exist."
    },
    "field.too_guessable": {
      "why_common": "This is like a password that many people use. Add a few unusual words.",
      "why_dates": "Dates and years are easy to guess. Add a few unusual words.",
      "why_keyboard": "Keys that are side by side on the keyboard are easy to guess. Add a few unusual words.",
      "why_names": "Names are easy to guess. Add a few unusual words.",
      "why_own": "This is made from your email address, your name or words of this service, such as its own name. Choose another one.",
      "why_repeats": "Repetitions such as aaa or abcabc are easy to guess. Add a few unusual words.",
      "why_sequences": "Sequences such as abc or 6543 are easy to guess. Add a few unusual words.",
      "why_words": "Few and common words are easy to guess. Add a few unusual ones."
    },
    "field.too_long": {
      "max": "Enter at most {max} characters.",
      "maxItems": "Send at most {maxItems} at once."
    },
    "field.too_short": {
      "min": "Enter at least {min} characters.",
      "min_1": "This is needed.",
      "minItems": "Send at least {minItems}."
    }
  }
});
