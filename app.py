"""The app's entry: ``streamlit run app.py``. The pages do the rest."""

from ui.admission import admission
from ui.navigation import enter

if __name__ == "__main__":
    with admission.admitted():
        enter().run()
