// Made by `make client` from app/words/de.toml. Do not edit.

import { textsOf } from "./texts_of.js";

/** The texts of errors, for the option `texts` of `createOstiary`. */
export default textsOf({
  "duration": {
    "day": "1 Tag",
    "days": "{count} Tage",
    "hour": "1 Stunde",
    "hours": "{count} Stunden",
    "minute": "1 Minute",
    "minutes": "{count} Minuten"
  },
  "problem": {
    "malformed_json": "Beim Senden ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal.",
    "malformed_request": "Diese Adresse oder Anfrage ist nicht lesbar. Bitte versuchen Sie es noch einmal.",
    "not_signed_in": "Bitte melden Sie sich zuerst an.",
    "session_required": "Ein Programm kann das nicht. Melden Sie sich selbst an.",
    "session_replaced": "Sie sind weiterhin angemeldet. Bitte versuchen Sie es noch einmal.",
    "invalid_credentials": "Die E-Mail-Adresse oder das Passwort stimmt nicht.",
    "method_disabled": "Diese Art der Anmeldung gibt es hier nicht.",
    "forbidden": "Das dürfen Sie nicht. Wenn Sie es brauchen, fragen Sie jemanden, der hier verwaltet.",
    "cross_site_request": "Das wurde abgelehnt, weil es von einer anderen Website kam. Öffnen Sie den Dienst selbst und versuchen Sie es noch einmal.",
    "session_not_kept": "Das geht von dieser Seite aus nicht, weil Ihr Browser hier keine Cookies dieses Dienstes behält. Öffnen Sie den Dienst selbst und versuchen Sie es noch einmal.",
    "onboarding_required": "Bitte ergänzen Sie zuerst Ihr Profil.",
    "reauthentication_required": "Bitte bestätigen Sie zuerst, dass Sie es sind.",
    "not_found": "Das gibt es nicht oder nicht mehr.",
    "method_not_allowed": "Das geht hier nicht.",
    "request_timeout": "Das Senden hat zu lange gedauert. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.",
    "email_taken": "Zu dieser E-Mail-Adresse gibt es schon ein Konto.",
    "language_exists": "Diese Sprache gibt es schon.",
    "last_admin": "Das ist die letzte Person, die alles verwaltet. Geben Sie dieses Recht zuerst jemand anderem.",
    "no_invitation": "Diese Person wartet nicht auf eine Einladung.",
    "primary_key_required": "Damit melden Sie sich an, deshalb kann es nicht entfernt werden.",
    "signed_in_as_another": "Hier ist jemand anderes angemeldet. Melden Sie sich zuerst ab, oder machen Sie als die Person weiter, für die der Link ist.",
    "job_not_retryable": "Diese Aufgabe kann nicht noch einmal versucht werden.",
    "service_account": "Das ist ein Konto für ein Programm, das dieses Recht nicht haben kann.",
    "too_many_keys": "Dieses Konto hat so viele Schlüssel, wie es haben darf. Widerrufen Sie zuerst einen.",
    "already_member": "Diese Person gehört schon dazu.",
    "key_not_usable": "Dieser Code oder Link gilt nicht oder nicht mehr. Fordern Sie einen neuen an.",
    "changes_gone": "Diese Änderungen gibt es nicht mehr. Bitte laden Sie alles neu.",
    "version_conflict": "Jemand anderes hat das inzwischen geändert. Sehen Sie sich die jetzige Fassung an und speichern Sie dann noch einmal.",
    "body_too_large": "Das ist zu viel auf einmal. Senden Sie weniger.",
    "unsupported_media_type": "Beim Senden ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal.",
    "validation_failed": "Bitte prüfen Sie Ihre Eingaben.",
    "precondition_required": "Bitte laden Sie das neu, bevor Sie speichern.",
    "too_many_requests": "Das waren zu viele Versuche. Warten Sie eine Weile und versuchen Sie es dann noch einmal.",
    "internal_error": "Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es später noch einmal.",
    "temporarily_unavailable": "Das geht gerade nicht. Bitte versuchen Sie es gleich noch einmal."
  },
  "field": {
    "ambiguous": "Geben Sie das eine oder das andere an, nicht beides.",
    "derived_secret": "Das ist aus Ihrer E-Mail-Adresse, Ihrem Namen oder Wörtern dieses Dienstes gebildet, etwa dessen Namen. Wählen Sie etwas anderes.",
    "duplicate": "Das kommt zweimal vor.",
    "invalid": "Das sieht nicht richtig aus. Bitte prüfen Sie es.",
    "invalid_character": "Das enthält ein Zeichen, das hier nicht möglich ist.",
    "invalid_code": "Ein Code hat acht Ziffern.",
    "invalid_cursor": "Diese Seite der Liste ist nicht zu finden. Beginnen Sie wieder mit der ersten.",
    "invalid_email": "Das ist keine E-Mail-Adresse.",
    "invalid_language_tag": "Das ist kein Sprachcode wie de oder pt-BR.",
    "invalid_token": "Dieser Link ist nicht vollständig. Kopieren Sie ihn ganz.",
    "missing": "Diese Angabe fehlt.",
    "out_of_range": "Diese Zahl ist zu klein oder zu groß.",
    "stale": "Jemand anderes hat das inzwischen geändert.",
    "too_guessable": "Dieses Passwort ist leicht zu erraten. Fügen Sie ein paar ungewöhnliche Wörter hinzu.",
    "too_long": "Das ist zu lang.",
    "too_short": "Das ist zu kurz.",
    "unknown_field": "Danach wird hier nicht gefragt.",
    "unknown_parameter": "Danach wird hier nicht gefragt.",
    "wrong_type": "Das sieht nicht richtig aus. Bitte prüfen Sie es."
  },
  "better": {
    "problem.job_not_retryable": {
      "reason_running": "Diese Aufgabe läuft gerade. Warten Sie, bis sie zu Ende ist.",
      "reason_done": "Diese Aufgabe ist erledigt. Es gibt nichts noch einmal zu versuchen.",
      "reason_expired": "Diese Aufgabe ist abgelaufen und käme zu spät. Beginnen Sie das, wofür sie da war, noch einmal.",
      "reason_scheduled": "Diese Aufgabe läuft zu ihrer Zeit von selbst. Es gibt nichts noch einmal zu versuchen."
    },
    "problem.key_not_usable": {
      "reason_used": "Dieser Link wurde schon benutzt. Fordern Sie einen neuen an.",
      "reason_expired": "Dieser Link ist abgelaufen. Fordern Sie einen neuen an.",
      "reason_voided": "Dieser Link wurde ersetzt oder zurückgenommen. Fordern Sie einen neuen an.",
      "triesLeft": "Dieser Code stimmt nicht. Noch {triesLeft} Versuche. Ein Code gilt {lifetime} lang.",
      "triesLeft_1": "Dieser Code stimmt nicht. Noch 1 Versuch. Ein Code gilt {lifetime} lang.",
      "triesLeft_0": "Dieser Code stimmt nicht, und es gibt keinen weiteren Versuch. Fordern Sie einen neuen an."
    },
    "problem.version_conflict": {
      "reason_deleted": "Das wurde inzwischen gelöscht. Wenn es noch gebraucht wird, speichern Sie es neu.",
      "reason_missing": "Das gibt es nicht. Wenn es gebraucht wird, speichern Sie es neu."
    },
    "problem.too_many_requests": {
      "retryAfter": "Das waren zu viele Versuche. Warten Sie {retryAfter} und versuchen Sie es dann noch einmal."
    },
    "field.invalid": {
      "form_phone": "Geben Sie die Nummer mit der Landesvorwahl an, etwa +49 für Deutschland, und ohne Leerzeichen.",
      "form_locale": "Das ist kein Sprachcode wie de oder pt-BR.",
      "form_key": "Möglich sind nur 1 bis 200 Buchstaben von A bis Z, Ziffern und die Zeichen . _ : / -",
      "form_time": "Das ist kein Datum mit Uhrzeit.",
      "form_name": "Ein Name hat mindestens ein sichtbares Zeichen und keine Steuerzeichen."
    },
    "field.missing": {
      "form_flow": "Fordern Sie in diesem Browser einen neuen Code an und geben Sie ihn hier ein."
    },
    "field.out_of_range": {
      "min": "Das muss mindestens {min} sein.",
      "max": "Das darf höchstens {max} sein."
    },
    "field.stale": {
      "reason_deleted": "Das wurde inzwischen gelöscht.",
      "reason_missing": "Das gibt es nicht."
    },
    "field.too_guessable": {
      "why_common": "Das ähnelt einem Passwort, das viele verwenden. Fügen Sie ein paar ungewöhnliche Wörter hinzu.",
      "why_dates": "Daten und Jahreszahlen sind leicht zu erraten. Fügen Sie ein paar ungewöhnliche Wörter hinzu.",
      "why_keyboard": "Tasten, die nebeneinander liegen, sind leicht zu erraten. Fügen Sie ein paar ungewöhnliche Wörter hinzu.",
      "why_names": "Namen sind leicht zu erraten. Fügen Sie ein paar ungewöhnliche Wörter hinzu.",
      "why_own": "Das ist aus Ihrer E-Mail-Adresse, Ihrem Namen oder Wörtern dieses Dienstes gebildet, etwa dessen Namen. Wählen Sie etwas anderes.",
      "why_repeats": "Wiederholungen wie aaa oder abcabc sind leicht zu erraten. Fügen Sie ein paar ungewöhnliche Wörter hinzu.",
      "why_sequences": "Folgen wie abc oder 6543 sind leicht zu erraten. Fügen Sie ein paar ungewöhnliche Wörter hinzu.",
      "why_words": "Wenige und häufige Wörter sind leicht zu erraten. Fügen Sie ein paar ungewöhnliche hinzu."
    },
    "field.too_long": {
      "max": "Geben Sie höchstens {max} Zeichen ein.",
      "maxItems": "Senden Sie höchstens {maxItems} auf einmal."
    },
    "field.too_short": {
      "min": "Geben Sie mindestens {min} Zeichen ein.",
      "min_1": "Diese Angabe fehlt.",
      "minItems": "Senden Sie mindestens {minItems}."
    }
  }
});
